"""A backfill larger than the day's quota, at the vendor's real pace. Run by hand:

    .venv/bin/python attendance_pipeline_tests/benchmarks/quota.py [MEETINGS] [LIMIT]

The embedded Zoom holds its limits, per second and per day; only its calendar runs ahead, to the next midnight
whenever a run ends with its quota spent. Prints a Markdown table, a line for each day.
"""

import sys
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from urllib.parse import unquote

from attendance_pipeline.archive import Archive
from attendance_pipeline.lake import Lake
from attendance_pipeline.landing import land_attendance, land_meetings
from attendance_pipeline.plan import plan
from attendance_pipeline.sandbox import Sandbox, Size, ZoomOptions
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors.zoom import Zoom
from attendance_pipeline.windows import dates

DAYS = 170
NOW = datetime(2026, 11, 20, 0, 7, tzinfo=UTC)


def main(meetings: int, limit: int) -> None:
    """Land that many meetings with that many requests a day."""
    now = [NOW]
    size = Size(
        employees=60,
        # Some two dozen small cases are in every fortnight, whatever the size.
        meetings_per_weekday=max(1.0, meetings - 24 * DAYS / 14) / (DAYS * 5.2 / 7),
        median_attendees=4,
        crowd=312,
        webinar_audience=12,
    )
    options = ZoomOptions(plan="business", daily_limit=limit, history_includes_solo=True)
    last = NOW.date() - timedelta(days=3)
    days = dates(last - timedelta(days=DAYS - 1), last)
    with (
        TemporaryDirectory() as folder,
        Sandbox(size=size, mix={"zoom": 1}, clock=lambda: now[0], zoom=options) as sandbox,
    ):
        settings = Settings(
            _env_file=None,
            attendance_data=Path(folder),
            zoom_daily_limit=limit,
            attendance_quota_reserve=0,
            **{name.lower(): value for name, value in sandbox.settings.items()},
        )
        lake, seen = Lake(settings.lake), 0
        print("| day | seconds | requests | of them heavy | answered 429 | reports left | days planned |")
        print("|---:|---:|---:|---:|---:|---:|---:|")
        for day in range(1, 100):
            vendor = Zoom(settings, Archive(settings.lake, "zoom"), lambda: now[0])
            began = monotonic()
            land_meetings(vendor, lake, days, again=False)
            landed = land_attendance(vendor, lake, days)
            asked, seen = sandbox.requests[seen:], len(sandbox.requests)
            heavy = sum(one.label == "HEAVY" for one in asked)
            throttled = sum(one.status == 429 for one in asked)
            planned = plan(vendor, lake, days, again=False).days
            print(
                f"| {day} | {monotonic() - began:.0f} | {len(asked)} | {heavy} | {throttled} | {landed.pulled.left} "
                f"| {planned} |",
                flush=True,
            )
            if landed.pulled.stopped is None:
                break
            now[0] = datetime.combine(now[0].date() + timedelta(days=1), time(0, 7), UTC)
        pages = Counter(
            (unquote(one.path), one.query.get("next_page_token", ""))
            for one in sandbox.requests
            if one.path.endswith("/participants")
        )
        truth = sandbox.truth(days[0], days[-1])
        held = [table for day in days if (table := lake.read("zoom", "participants", day)) is not None]
        rows = sorted((r["meeting_uuid"], r["join_time"], r["leave_time"]) for t in held for r in t.to_pylist())
        wanted = sorted((one.vendor_meeting_id, one.joined_at, one.left_at) for one in truth.intervals)
        print(
            f"\n{len(truth.meetings)} meetings, {len(wanted)} joins; held as they are: {rows == wanted}; "
            f"pages asked for more than once: {sum(n > 1 for n in pages.values())}"
        )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:] or ("5000", "1000")))
