"""Whole runs of the console script: killed ones, and one over every kind of meeting that Teams has."""

import json
import signal
import time
from datetime import timedelta
from pathlib import Path

import duckdb

from attendance_pipeline.sandbox import Sandbox, WebexOptions, ZoomOptions

from .console import DATES, FIRST, LAST, agree, attendance_requests, pointed_at, started


def test_every_kind_of_meeting_of_teams_equals_the_truth_to_the_second(tmp_path: Path) -> None:
    first = LAST - timedelta(days=20)
    with Sandbox(size="small", mix={"teams": 1}) as sandbox:
        process = started(
            pointed_at(sandbox, tmp_path), "run", "--from", str(first), "--to", str(LAST), "--vendor", "teams"
        )
        _, err = process.communicate(timeout=180)
        truth = sandbox.truth(first, LAST)

    assert process.returncode == 0, err
    assert {meeting.kind for meeting in truth.meetings} == {"meeting", "webinar", "town_hall", "live_event"}
    agree(tmp_path, truth)


def test_killed_runs_go_on_where_they_stopped(tmp_path: Path) -> None:
    """Killed in the middle of each vendor's attendance, then run to the end."""
    served = Sandbox(
        size="small",
        mix={"zoom": 1, "webex": 1, "teams": 2},
        zoom=ZoomOptions(plan="business"),
        webex=WebexOptions(rate_limits=False),
    )
    with served as sandbox:
        ours = pointed_at(sandbox, tmp_path)
        asked_before_kill = []
        for vendor in ("zoom", "webex", "graph"):
            begun = len(sandbox.requests)
            process = started(ours, "run", *DATES)
            while sum(f"/{vendor}/" in request for request in attendance_requests(sandbox, begun)) < 12:
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            asked_before_kill.append(set(attendance_requests(sandbox, begun)))
        begun = len(sandbox.requests)
        process = started(ours, "run", *DATES, "--json")
        out, err = process.communicate(timeout=180)

        assert process.returncode == 0, err
        first, second, third = asked_before_kill
        assert len(first & second) <= 20
        assert len((first | second) & third) <= 20
        assert len((first | second | third) & set(attendance_requests(sandbox, begun))) <= 20
        truth = sandbox.truth(FIRST, LAST)
        for held in json.loads(out)["summary"]["vendors"]:
            meetings = [meeting for meeting in truth.meetings if meeting.vendor == held["vendor"]]
            assert held["meetings"] == len(meetings)
            assert held["attended_seconds"] == sum(meeting.attended_seconds for meeting in meetings)
        with duckdb.connect(str(tmp_path / "attendance.duckdb"), read_only=True) as published:
            doubled = published.execute(
                "select count(*) - count(distinct interval_key) from marts.attendance_intervals"
            ).fetchone()
            assert doubled == (0,)
