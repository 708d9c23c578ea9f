"""What finding and reading Teams costs, with requests in batches and one by one. Run by hand:

    .venv/bin/python attendance_pipeline_tests/benchmarks/teams.py [ROWS] [LATENCY_SECONDS]

The sandbox runs in a process of its own and answers each request after the latency. Prints a Markdown table; compare
the ratios, the seconds are this machine's.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from tempfile import TemporaryDirectory
from typing import Any

DAYS = 28


def serve(rows: int, latency: float, told: Any) -> None:
    """The sandbox, until killed."""
    from attendance_pipeline.sandbox import Sandbox, Size, TeamsOptions

    options = TeamsOptions(rate_limits=False, latency_seconds=latency)
    with Sandbox(size=Size.of_rows(rows, DAYS), mix={"teams": 1}, teams=options) as sandbox:
        told.send(sandbox.settings)
        time.sleep(3600)


def stage(batches: bool) -> None:
    """Land the days in this process and print what each step took."""
    from attendance_pipeline.archive import Archive
    from attendance_pipeline.lake import Lake
    from attendance_pipeline.landing import land_meetings
    from attendance_pipeline.pull import read_due
    from attendance_pipeline.readings import held
    from attendance_pipeline.settings import Settings
    from attendance_pipeline.vendors.teams import Teams, account, batch
    from attendance_pipeline.windows import dates

    # The sandbox's limits are off, so ours are too: what is measured is work, not waiting.
    account.RATES.update(dict.fromkeys(account.RATES, (10**6, 1)))
    if not batches:
        batch.MOST = 1
    settings = Settings.load()
    today = datetime.now(UTC).date()
    days = dates(today - timedelta(days=DAYS - 1), today)
    vendor, lake = Teams(settings, Archive(settings.lake, "teams")), Lake(settings.lake)
    took: dict[str, Any] = {}

    began = _clocks()
    landed = land_meetings(vendor, lake, days)
    took["find"] = _since(began) | {"requests": landed.pulled.requests.total() - landed.pulled.requests["batch"]}
    took["find"]["posts"] = landed.pulled.requests["batch"]

    reports = {day: lake.read("teams", "attendance_reports", day) for day in days}
    meetings = {day: {meeting.id: meeting for meeting in vendor.meetings(rows)} for day, rows in reports.items()}
    began = _clocks()
    pulled = asyncio.run(read_due(vendor, days, lambda day: (meetings[day].values(), {})))
    vendor.archive.fold()
    took["read"] = _since(began) | {"requests": pulled.requests.total() - pulled.requests["batch"]}
    took["read"]["posts"] = pulled.requests["batch"]

    holds = {day: held(vendor.archive.heads(day), vendor.stand_ins) for day in days}
    began = _clocks()
    shaped, _ = vendor.shape_attendance(meetings, holds)
    held_rows = sum(partition.rows.num_rows for partition in shaped["attendance_records"].values())
    took["shape"] = _since(began) | {"requests": 0, "posts": 0}
    print(json.dumps({"rows": held_rows, "meetings": sum(map(len, meetings.values())), "took": took}))


def _clocks() -> tuple[float, float]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), usage.ru_utime + usage.ru_stime


def _since(began: tuple[float, float]) -> dict[str, float]:
    wall, cpu = _clocks()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"wall": wall - began[0], "cpu": cpu - began[1], "peak": peak}


def main() -> None:
    """Print the table."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    latency = float(sys.argv[2]) if len(sys.argv) > 2 else 0.05
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(rows, latency, theirs), daemon=True)
    process.start()
    settings = ours.recv()
    print("| asked | step | meetings | rows | requests | POSTs | wall s | CPU s | peak MB |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    try:
        for way in ("batches", "one by one"):
            with TemporaryDirectory() as folder:
                done = subprocess.run(
                    [sys.executable, __file__, "--stage", way],
                    env=os.environ | settings | {"ATTENDANCE_DATA": folder},
                    stdout=subprocess.PIPE,
                    check=True,
                )
            found = json.loads(done.stdout.splitlines()[-1])
            for step, took in found["took"].items():
                print(
                    f"| {way} | {step} | {found['meetings']:,} | {found['rows']:,} | {took['requests']:,} | "
                    f"{took['posts']:,} | {took['wall']:.1f} | {took['cpu']:.1f} | {took['peak']:.0f} |",
                    flush=True,
                )
    finally:
        process.kill()
        process.join()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--stage"]:
        stage(sys.argv[2] == "batches")
    else:
        main()
