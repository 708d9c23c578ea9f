"""A run of the console script that is killed, and the one after it."""

import json
import signal
import time
from datetime import timedelta
from pathlib import Path

import duckdb

from attendance_pipeline.sandbox import Sandbox, WebexOptions, ZoomOptions

from .console import LAST, attendance_requests, pointed_at, started


def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Killed in the middle of the last vendor's attendance, then run to the end."""
    first = LAST - timedelta(days=9)
    served = Sandbox(
        size="small",
        mix={"zoom": 1, "webex": 1, "teams": 2},
        zoom=ZoomOptions(plan="business"),
        webex=WebexOptions(rate_limits=False),
    )
    with served as sandbox:
        ours = pointed_at(sandbox, tmp_path)
        process = started(ours, "run", "--from", str(first), "--to", str(LAST))
        while sum("/graph/" in request for request in attendance_requests(sandbox, 0)) < 8:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        before_kill = set(attendance_requests(sandbox, 0))
        begun = len(sandbox.requests)
        process = started(ours, "run", "--from", str(first), "--to", str(LAST), "--json")
        out, err = process.communicate(timeout=180)

        assert process.returncode == 0, err
        repeated = before_kill & set(attendance_requests(sandbox, begun))
        assert len(repeated) <= 20
        assert [request for request in repeated if "/graph/" not in request] == []
        truth = sandbox.truth(first, LAST)
    for held in json.loads(out)["summary"]["vendors"]:
        meetings = [meeting for meeting in truth.meetings if meeting.vendor == held["vendor"]]
        assert held["meetings"] == len(meetings)
        assert held["attended_seconds"] == sum(meeting.attended_seconds for meeting in meetings)
    with duckdb.connect(str(tmp_path / "attendance.duckdb"), read_only=True) as published:
        doubled = published.execute(
            "select count(*) - count(distinct interval_key) from marts.attendance_intervals"
        ).fetchone()
    assert doubled == (0,)
