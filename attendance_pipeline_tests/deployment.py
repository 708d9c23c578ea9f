"""Dagster as operators run it: `dagster dev` on a fresh home, its webserver and daemons, asked over GraphQL."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from attendance_pipeline.settings import PROJECT
from attendance_pipeline_tests.console import OURS

DAGSTER = Path(sys.executable).with_name("dagster")
CODE_LOCATION = {"repositoryLocationName": "attendance_pipeline", "repositoryName": "__repository__"}


@dataclass(frozen=True)
class Run:
    """A run as the runs page shows it; seconds since 1970."""

    run_id: str
    job: str
    status: str
    tags: Mapping[str, str]
    created: float
    ended: float | None


class Deployment:
    """A Dagster that is up.

    Args:
        url: of its webserver.
        folder: where it works.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self._client = httpx.Client(timeout=60)

    def ask(self, query: str, **variables: Any) -> Any:
        """What GraphQL answers."""
        answer = self._client.post(f"{self.url}/graphql", json={"query": query, "variables": variables}).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def runs(self, job: str = "") -> list[Run]:
        """All runs, or those of a job, newest first."""
        found = self.ask(
            """{ runsOrError(limit: 200) { ... on Runs { results {
                runId jobName status creationTime endTime tags { key value } } } } }"""
        )["runsOrError"]["results"]
        return [
            Run(
                run["runId"],
                run["jobName"],
                run["status"],
                {tag["key"]: tag["value"] for tag in run["tags"]},
                run["creationTime"],
                run["endTime"],
            )
            for run in found
            if not job or run["jobName"] == job
        ]

    def wait(self, until: Callable[[], Any], what: str, seconds: float = 240) -> Any:
        """What `until` gives, once it gives something."""
        patience = time.monotonic() + seconds
        while not (found := until()):
            assert time.monotonic() < patience, f"{what}: not within {seconds} s; {self.runs()[:10]}\n{self.log()}"
            time.sleep(0.5)
        return found

    def launch(self, job: str, config: Mapping[str, Any], tags: Mapping[str, str]) -> str:
        """Start a run of a job; its id."""
        launched = self.ask(
            """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
                __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }""",
            params={
                "selector": CODE_LOCATION | {"jobName": job},
                "runConfigData": config,
                "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
            },
        )["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def status(self, run_id: str) -> str:
        """Of a run."""
        return next(run.status for run in self.runs() if run.run_id == run_id)

    def ticks(self, sensor: str) -> int:
        """How often a sensor has looked."""
        state = self.ask(
            """query($of: SensorSelector!) { sensorOrError(sensorSelector: $of) { ... on Sensor {
                sensorState { ticks { timestamp } } } } }""",
            of=CODE_LOCATION | {"sensorName": sensor},
        )
        return len(state["sensorOrError"]["sensorState"]["ticks"])

    def stop_schedule(self, name: str) -> None:
        """Turn a schedule off, as its switch does."""
        schedule = self.ask(
            """query($of: ScheduleSelector!) { scheduleOrError(scheduleSelector: $of) { ... on Schedule {
                scheduleState { id } } } }""",
            of=CODE_LOCATION | {"scheduleName": name},
        )["scheduleOrError"]
        stopped = self.ask(
            """mutation($id: String!) { stopRunningSchedule(id: $id) {
                ... on ScheduleStateResult { scheduleState { status } } ... on PythonError { message } } }""",
            id=schedule["scheduleState"]["id"],
        )["stopRunningSchedule"]
        assert stopped["scheduleState"]["status"] == "STOPPED", stopped

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def log(self) -> str:
        """The end of what Dagster printed."""
        return (self.folder / "dagster.log").read_text()[-3000:]


@contextmanager
def deployed(folder: Path, environment: Mapping[str, str]) -> Iterator[Deployment]:
    """`dagster dev` with the project's own files, its records below a folder, until the block ends."""
    folder.mkdir(exist_ok=True)
    shutil.copy(PROJECT / "dagster.yaml", folder)
    (folder / "data" / "dagster").mkdir(parents=True)
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith((*OURS, "DAG"))}
    inherited["ATTENDANCE_DAGSTER_URL"] = url
    command = [DAGSTER, "dev", "--workspace", PROJECT / "workspace.yaml", "--port", str(port)]
    with (folder / "dagster.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=inherited | environment, stdout=log, stderr=log, start_new_session=True
        )
        found = Deployment(url, folder)
        try:
            found.wait(lambda: _is_up(found, process), "the webserver and the daemons are up")
            yield found
        finally:
            found.close()
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=20)
            finally:
                # a run that was still at work is of the same session
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def _is_up(deployment: Deployment, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, f"dagster dev ended: {deployment.folder / 'dagster.log'}"
    try:
        health = deployment.ask("{ instance { daemonHealth { allDaemonStatuses { healthy required } } } }")
    except httpx.TransportError:
        return False
    statuses = health["instance"]["daemonHealth"]["allDaemonStatuses"]
    return all(daemon["healthy"] for daemon in statuses if daemon["required"])


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
