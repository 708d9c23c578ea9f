"""How fast the pipeline lands, loads and builds, beside a bare loop over the same pages. Run by hand:

    make benchmark                 20 thousand and 1 million participant rows
    .venv/bin/python attendance_pipeline_tests/benchmarks/landing.py ROWS [ROWS ...]

The sandbox runs in a process of its own with its rate limits off, each stage in another, so that seconds of CPU and
peak memory are the stage's own. Prints a Markdown table; compare the ratios, the seconds are this machine's.
"""

import asyncio
import json
import multiprocessing
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from tempfile import TemporaryDirectory
from typing import Any

DAYS = 90
IN_FLIGHT = 20
WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def serve(rows: int, told: Any) -> None:
    """The sandbox, until killed."""
    from attendance_pipeline.sandbox import Sandbox, Size, ZoomOptions

    options = ZoomOptions(plan="business", rate_limits=False, history_includes_solo=True)
    with Sandbox(size=Size.of_rows(rows, DAYS), mix={"zoom": 1}, zoom=options) as sandbox:
        told.send(sandbox.settings)
        time.sleep(3600)


@contextmanager
def sandbox(rows: int) -> Iterator[dict[str, str]]:
    """A sandbox with about that many participant rows in the last 90 days, in its own process."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(rows, theirs), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.kill()
        process.join()


def pull() -> dict[str, Any]:
    """Discovery and attendance, into the archive."""
    vendor, lake, days = _zoom()
    from attendance_pipeline.landing import land_meetings
    from attendance_pipeline.pull import read_due

    land_meetings(vendor, lake, days)
    meetings = [m for day in days for m in vendor.meetings(lake.read("zoom", "meetings", day))]
    pulled = asyncio.run(read_due(vendor, meetings, {}))
    vendor.archive.fold()
    return {"requests": pulled.requests.total()}


def shape() -> dict[str, Any]:
    """The archive into checked partitions."""
    vendor, lake, days = _zoom()
    from attendance_pipeline.landing import land_attendance

    landed = land_attendance(vendor, lake, days)
    return {"rows": sum(landed.tables["participants"].rows.values())}


def validate() -> dict[str, Any]:
    """Documents that are already in memory into rows that pandera has checked: no file is read or written."""
    vendor, lake, days = _zoom()
    from attendance_pipeline.landing import _some_at_a_time
    from attendance_pipeline.readings import held

    meetings = {day: {m.id: m for m in vendor.meetings(lake.read("zoom", "meetings", day))} for day in days}
    holds = {day: held(vendor.archive.heads(day), vendor.stand_ins) for day in days}
    seconds, rows = 0.0, 0
    for some in _some_at_a_time(holds):
        in_memory = {day: list(vendor.archive.documents(day)) for day in some}
        vendor.archive.documents = lambda day, held=in_memory: iter(held[day])
        began = _cpu()
        shaped, _ = vendor.shape_attendance({day: meetings[day] for day in some}, holds)
        seconds += _cpu() - began
        del vendor.archive.documents
        rows += sum(partition.rows.num_rows for partition in shaped["participants"].values())
    return {"rows": rows, "cpu": seconds}


def bare_loop() -> dict[str, Any]:
    """Fetch and count the same pages over the same transport, and nothing else."""
    vendor, lake, days = _zoom()
    meetings = [m for day in days for m in vendor.meetings(lake.read("zoom", "meetings", day))]
    return asyncio.run(_bare_loop(meetings))


async def _bare_loop(meetings: list[Any]) -> dict[str, Any]:
    import httpx
    import msgspec
    from httpx_aiohttp import AiohttpTransport

    from attendance_pipeline.vendors.zoom.attendance import encoded

    decoder, found = msgspec.json.Decoder(), {"rows": 0, "requests": 0}
    async with httpx.AsyncClient(transport=AiohttpTransport()) as client:
        credentials = (os.environ["ZOOM_CLIENT_ID"], os.environ["ZOOM_CLIENT_SECRET"])
        form = {"grant_type": "account_credentials", "account_id": os.environ["ZOOM_ACCOUNT_ID"]}
        token = (await client.post(os.environ["ZOOM_TOKEN_URL"], auth=credentials, data=form)).json()["access_token"]
        headers, waiting = {"Authorization": f"Bearer {token}"}, list(meetings)

        async def work() -> None:
            while waiting:
                meeting, next_token = waiting.pop(), ""
                twin = "webinars" if meeting.is_webinar else "meetings"
                while True:
                    query = {"page_size": "300", "include_fields": "registrant_id"}
                    query |= {"next_page_token": next_token} if next_token else {}
                    url = f"{os.environ['ZOOM_API_URL']}/report/{twin}/{encoded(meeting.id)}/participants"
                    page = decoder.decode((await client.get(url, params=query, headers=headers)).content)
                    found["rows"] += len(page.get("participants", []))
                    found["requests"] += 1
                    next_token = page.get("next_page_token", "")
                    if not next_token:
                        break

        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    return found


def load() -> dict[str, Any]:
    """The lake into raw tables."""
    vendor, lake, _ = _zoom()
    from attendance_pipeline.vendors import VENDORS
    from attendance_pipeline.warehouse import load as load_changed

    tables = [table for each in VENDORS.values() for table in (*each.listing_tables, *each.attendance_tables)]
    loaded = load_changed(lake, vendor.settings.build, tables)
    return {"rows": loaded["zoom_participants"].rows}


def dbt_build() -> dict[str, Any]:
    """All models and data tests, as a run builds them."""
    from attendance_pipeline.dbt import DBT, DBT_PROJECT
    from attendance_pipeline.defs.warehouse import BUILD
    from attendance_pipeline.settings import Settings

    settings = Settings.load()
    subprocess.run(
        [DBT, *BUILD, "--project-dir", DBT_PROJECT, "--profiles-dir", DBT_PROJECT, "--quiet"],
        check=True,
        env=os.environ | {"ATTENDANCE_BUILD": str(settings.build), "DBT_TARGET_PATH": str(settings.data / "dbt")},
    )
    return {}


STAGES: dict[str, Callable[[], dict[str, Any]]] = {
    function.__name__: function for function in (pull, shape, validate, bare_loop, load, dbt_build)
}


def measured(stage: str) -> None:
    """Run one stage in this process and print what it took, the time for imports left out."""
    import httpx_aiohttp  # noqa: F401
    import pandera.polars  # noqa: F401

    _zoom()
    began, cpu = time.perf_counter(), _cpu()
    found = STAGES[stage]()
    took = {
        "wall": time.perf_counter() - began,
        "cpu": _cpu() - cpu,
        "peak_mb": max(resource.getrusage(who).ru_maxrss for who in WHO) / 1024,
    }
    print(json.dumps(took | found))


def _cpu() -> float:
    """Seconds of CPU of this process and of those it waited for."""
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, WHO))


def benchmark(rows: int) -> None:
    """Every stage over one organisation; a row of the table each."""
    with TemporaryDirectory() as folder, sandbox(rows) as settings:
        environment = os.environ | settings | {"ATTENDANCE_DATA": folder}
        took = {}
        for stage in STAGES:
            done = subprocess.run(
                [sys.executable, __file__, "--stage", stage], env=environment, stdout=subprocess.PIPE, check=True
            )
            took[stage] = json.loads(done.stdout.splitlines()[-1])
        held = took["shape"]["rows"]
        for stage, result in took.items():
            print(
                f"| {stage} | {held:,} | {result['wall']:.1f} | {result['cpu']:.1f} | "
                f"{held / result['cpu']:,.0f} | {result['peak_mb']:.0f} |"
            )
        landing = took["pull"]["cpu"] + took["shape"]["cpu"]
        print(
            f"| pull + shape : bare loop | {held:,} | | {landing / took['bare_loop']['cpu']:.2f} × | | |", flush=True
        )


def main() -> None:
    """Print the table for each number of rows."""
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}"
    )
    print(
        ", ".join(
            f"{name} {version(name)}" for name in ("duckdb", "polars", "pyarrow", "pandera", "msgspec", "aiohttp")
        )
    )
    print(
        "\n| stage | rows | wall s | CPU s | rows per CPU s | peak MB |\n|---|---:|---:|---:|---:|---:|", flush=True
    )
    for rows in [int(argument) for argument in sys.argv[1:]] or [20_000, 1_000_000]:
        benchmark(rows)


def _zoom() -> tuple[Any, Any, list[date]]:
    from attendance_pipeline.archive import Archive
    from attendance_pipeline.lake import Lake
    from attendance_pipeline.settings import Settings
    from attendance_pipeline.vendors.zoom import Zoom, account
    from attendance_pipeline.windows import dates

    settings = Settings.load()
    # The sandbox's limits are off, so ours are too: what is measured is work, not waiting.
    account.PER_SECOND[settings.zoom_plan] = dict.fromkeys(account.PER_SECOND[settings.zoom_plan], 1e9)
    account.PER_DAY[settings.zoom_plan] = 10**9
    today = datetime.now(UTC).date()
    days = dates(today - timedelta(days=DAYS - 1), today)
    return Zoom(settings, Archive(settings.lake, "zoom")), Lake(settings.lake), days


if __name__ == "__main__":
    if sys.argv[1:2] == ["--stage"]:
        measured(sys.argv[2])
    else:
        main()
