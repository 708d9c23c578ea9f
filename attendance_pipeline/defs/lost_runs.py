"""Runs whose process is gone without a word: a machine that restarted, a power cut, a console script that was killed.

Dagster itself notices that a run's process died only while the server that started it lives. Without this a lost run
would count as started for ever, and keep its place in its vendor's pool.
"""

import json
import socket
from collections.abc import Iterator
from typing import Any

import dagster as dg

from attendance_pipeline.defs.headless import HEADLESS, end_killed_runs
from attendance_pipeline.errors import BusyError
from attendance_pipeline.files import alone
from attendance_pipeline.settings import Settings

STARTED_BY = ".dagster/grpc_info"
"""Tag of Dagster's own: where the server listens that started the run's process."""

AT_WORK = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def end_lost_runs() -> dg.SensorDefinition:
    """Ends runs whose process is gone; Dagster's run retries start those anew that didn't fail by themselves."""

    @dg.sensor(
        name="end_lost_runs",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Ends runs whose process is gone, such as after a restart of the machine, so that they keep no "
        "place in a queue; what they had landed is kept, and Dagster starts them again",
    )
    def look(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        ended = list(lost_runs_ended(context.instance))
        return dg.SkipReason(f"ended: {', '.join(ended)}" if ended else "no run is lost")

    return look


def lost_runs_ended(instance: dg.DagsterInstance) -> Iterator[str]:
    """End the runs whose process is gone, and give their ids."""
    at_work = instance.get_runs(dg.RunsFilter(statuses=AT_WORK))
    for run in at_work:
        if STARTED_BY in run.tags and not _listens(json.loads(run.tags[STARTED_BY])):
            instance.report_run_failed(run, "its process is gone; what it had landed is kept")
            yield run.run_id
    if any(HEADLESS in run.tags for run in at_work):
        settings = Settings.load()
        try:
            with alone(settings.data / "locks" / "run.lock", "a look for lost runs"):
                yield from end_killed_runs(instance, settings)
        except BusyError:
            return


def _listens(address: dict[str, Any]) -> bool:
    """Whether somebody answers where the server was; one of another host is believed to."""
    if path := address.get("socket"):
        family, place = socket.AF_UNIX, path
    elif address.get("host") in ("localhost", "127.0.0.1"):
        family, place = socket.AF_INET, ("127.0.0.1", address["port"])
    else:
        return True
    with socket.socket(family, socket.SOCK_STREAM) as asking:
        try:
            asking.connect(place)
        except OSError:
            return False
    return True
