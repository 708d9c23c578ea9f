"""The console script, in a process of its own or in this one, and what it publishes beside what is true."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from attendance_pipeline.cli import main
from attendance_pipeline.sandbox import Sandbox, Truth

SCRIPT = Path(sys.executable).with_name("attendance-pipeline")
# Four days ago and before: every report is ready, and every first reading is settled, Webex's too.
LAST = datetime.now(UTC).date() - timedelta(days=4)
FIRST = LAST - timedelta(days=13)
DATES = ("--from", FIRST.isoformat(), "--to", LAST.isoformat())

OURS = ("ZOOM_", "WEBEX_", "TEAMS_", "ATTENDANCE_")


def pointed_at(sandbox: Sandbox, data: Path) -> dict[str, str]:
    """The environment of a run that lands the sandbox's meetings into this folder."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith((*OURS, "DAG"))}
    return ours | sandbox.settings | {"ATTENDANCE_DATA": str(data)}


def started(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [SCRIPT, *arguments], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def called(*arguments: str) -> int:
    """The console script in this process; its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["attendance-pipeline", *arguments])
        try:
            main()
        except SystemExit as ended:
            return int(ended.code or 0)
    return 0


def attendance_requests(sandbox: Sandbox, since: int) -> list[str]:
    """What was asked about single meetings, page by page."""
    return [
        f"{seen.path} {sorted(seen.query.items())}"
        for seen in sandbox.requests[since:]
        if ("/report/" in seen.path and "participants" in seen.path)
        or "meetingId" in seen.query
        or "/attendanceReports/" in seen.path
        or seen.path.endswith(("/registrations", "/attendeeReport", "ecording"))
    ]


def agree(data: Path, truth: Truth) -> None:
    """The published meetings, attendees and intervals are those of the truth, to the second."""
    with duckdb.connect(str(data / "attendance.duckdb"), read_only=True) as published:
        held = published.execute(
            "select vendor_meeting_id, series_id, kind, host_email, started_at, ended_at, attendee_count, join_count,"
            " attended_seconds, device_seconds, active_seconds, peak_attendees from marts.meetings order by all"
        ).fetchall()
        attendees = published.execute(
            "select vendor_meeting_id, email, attendees.join_count, attendees.attended_seconds,"
            " attendees.device_seconds, first_joined_at, last_left_at"
            " from marts.attendees join marts.meetings using (meeting_key) order by all"
        ).fetchall()
        intervals = published.execute(
            "select vendor_meeting_id, joined_at, left_at, attendance_intervals.duration_seconds, room"
            " from marts.attendance_intervals join marts.meetings using (meeting_key) order by all"
        ).fetchall()

    assert held == sorted(
        (
            m.vendor_meeting_id,
            m.series_id,
            m.kind,
            m.host_email,
            naive(m.started_at),
            naive(m.ended_at),
            m.attendee_count,
            m.join_count,
            m.attended_seconds,
            m.device_seconds,
            m.active_seconds,
            m.peak_attendees,
        )
        for m in truth.meetings
    )
    assert sorted(attendees, key=str) == sorted(
        (
            (
                a.vendor_meeting_id,
                a.email,
                a.join_count,
                a.attended_seconds,
                a.device_seconds,
                naive(a.first_joined_at),
                naive(a.last_left_at),
            )
            for a in truth.attendees
        ),
        key=str,
    )
    assert intervals == sorted(
        (i.vendor_meeting_id, naive(i.joined_at), naive(i.left_at), i.duration_seconds, i.room)
        for i in truth.intervals
    )


def naive(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)
