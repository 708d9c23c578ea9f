"""Runs whose process is gone."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from attendance_pipeline.defs.headless import HEADLESS
from attendance_pipeline.defs.lost_runs import STARTED_BY, lost_runs_ended
from attendance_pipeline.files import alone

STARTED = dg.DagsterRunStatus.STARTED


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Path]:
    """Where the server of a living Dagster listens."""
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        yield path


def begun(instance: dg.DagsterInstance, address: dict[str, Any]) -> dg.DagsterRun:
    return instance.add_run(dg.DagsterRun("land_zoom", status=STARTED, tags={STARTED_BY: json.dumps(address)}))


def test_a_run_ends_when_the_server_that_started_it_is_gone(instance: dg.DagsterInstance, server: Path) -> None:
    alive = begun(instance, {"host": "localhost", "socket": str(server)})
    lost = begun(instance, {"host": "localhost", "socket": str(server) + " of before"})

    assert list(lost_runs_ended(instance)) == [lost.run_id]

    assert instance.get_run_by_id(lost.run_id).status is dg.DagsterRunStatus.FAILURE  # type: ignore[union-attr]
    assert instance.get_run_by_id(alive.run_id).status is STARTED  # type: ignore[union-attr]
    assert list(lost_runs_ended(instance)) == []


def test_a_stale_socket_and_a_closed_port_are_gone_too(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left, socket.socket() as port:
        left.bind(str(tmp_path / "left"))
        port.bind(("127.0.0.1", 0))
        number = port.getsockname()[1]
    lost = {begun(instance, {"host": "localhost", "socket": str(tmp_path / "left")}).run_id}
    lost.add(begun(instance, {"host": "localhost", "port": number}).run_id)

    assert set(lost_runs_ended(instance)) == lost


def test_a_run_of_another_host_is_left_alone(instance: dg.DagsterInstance) -> None:
    begun(instance, {"host": "dagster.example", "port": 4000})

    assert list(lost_runs_ended(instance)) == []


def test_a_run_of_a_killed_console_script_ends_unless_one_is_at_work(
    instance: dg.DagsterInstance, data: Path
) -> None:
    run = instance.add_run(
        dg.DagsterRun("land_zoom", status=STARTED, tags={HEADLESS: f"{socket.gethostname()}:{data}"})
    )
    with alone(data / "locks" / "run.lock", "a console script"):
        assert list(lost_runs_ended(instance)) == []

    assert list(lost_runs_ended(instance)) == [run.run_id]
