"""The pipeline's stages over a Zoom account, each in a process of its own, on the data folder of the environment."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from . import measuring
from .fetching import meetings_file
from .measuring import Numbers, bytes_below, clocked

FROM, TO = "BENCHMARK_FROM", "BENCHMARK_TO"
"""Variables with the first and the last ended date."""


def window(first: date, last: date) -> dict[str, str]:
    """The variables that tell a stage its ended dates."""
    return {FROM: str(first), TO: str(last), "ATTENDANCE_START_DATE": str(first)}


def land() -> Numbers:
    """Discovery, attendance, the archive, checked partitions: as a landing run does, without Dagster."""
    from attendance_pipeline import landing

    vendor, lake, days = _zoom()
    found: Numbers = {"pull": {}}
    read_due = landing.read_due

    async def clocked_read_due(*arguments: Any) -> Any:
        with clocked(found["pull"]):
            return await read_due(*arguments)

    with clocked(found):
        with clocked(found["pull"]):
            listed = landing.land_meetings(vendor, lake, days)
        landing.read_due = clocked_read_due
        landed = landing.land_attendance(vendor, lake, days)
    found["rows"] = sum(landed.tables["participants"].rows.values())
    found["requests"] = listed.pulled.requests.total() + landed.pulled.requests.total()
    found["bytes"] = bytes_below(lake.root)
    found["bytes_received"] = listed.pulled.bytes_received + landed.pulled.bytes_received
    _tell_reports(vendor, lake, days)
    return found


def shape() -> Numbers:
    """The archive into checked partitions, no vendor asked."""
    from attendance_pipeline.landing import land_attendance

    vendor, lake, days = _zoom()
    landed = land_attendance(vendor, lake, days, ask=False)
    tables = landed.tables
    return {"rows": sum(tables["participants"].rows.values()), "bytes": sum(table.bytes for table in tables.values())}


def validate() -> Numbers:
    """Documents that are already in memory into rows that pandera has checked: no file is read or written."""
    from attendance_pipeline.landing import _shape_attendance, _some_at_a_time
    from attendance_pipeline.readings import held

    vendor, lake, days = _zoom()

    def known(day: date) -> Any:
        return vendor.ended_on(lake, day), held(vendor.archive.heads(day), vendor.stand_ins)

    found: Numbers = {"rows": 0}
    for some in _some_at_a_time(days, known):
        in_memory = {day: list(vendor.archive.documents(day)) for day in some}
        vendor.archive.documents = lambda day, held=in_memory: iter(held[day])
        with clocked(found):
            shaped, _ = _shape_attendance(vendor, some, list(some))
        del vendor.archive.documents
        found["rows"] += sum(partition.rows.num_rows for partition in shaped["participants"].values())
    return found


def load() -> Numbers:
    """The lake into raw tables; the build file begins anew or takes what changed."""
    from attendance_pipeline.choice import sources
    from attendance_pipeline.lake import Lake
    from attendance_pipeline.loading import load as load_changed
    from attendance_pipeline.vendors import VENDORS
    from attendance_pipeline.warehouse import building

    settings = _settings()
    with building(settings.build):
        loaded = load_changed(Lake(settings.lake), settings.build, *sources(list(VENDORS.values()), settings))
    joins = ("zoom_participants", "webex_participants", "teams_attendance_records")
    return {"rows": sum(loaded[table].rows for table in joins), "bytes": settings.build.stat().st_size}


def dbt_build() -> Numbers:
    """All models and data tests, as a run builds them: whole on a new build file, else what changed."""
    from attendance_pipeline import dbt, warehouse
    from attendance_pipeline.defs.warehouse import BUILD

    settings = _settings()
    recipe = dbt.recipe(settings)
    with warehouse.building(settings.build):
        anew = warehouse.needs_rebuild(settings.build, recipe)
        warehouse.begin_build(settings.build)
        places = {
            "project-dir": dbt.DBT_PROJECT,
            "profiles-dir": dbt.DBT_PROJECT,
            "target-path": dbt.target(settings),
        }
        places["log-path"] = places["target-path"]
        subprocess.run(
            [str(dbt.DBT), "--quiet", *BUILD, *dbt.variables(settings), *(["--full-refresh"] if anew else [])]
            + [str(part) for name, place in places.items() for part in (f"--{name}", place)],
            check=True,
            env=os.environ | dbt.environment(settings),
            stdout=sys.stderr,
        )
        warehouse.finish_build(settings.build, recipe)
    return {"bytes": settings.build.stat().st_size, "models": _slowest(dbt.target(settings))}


def publish() -> Numbers:
    """A copy of the build file under the public name."""
    from attendance_pipeline.warehouse import building
    from attendance_pipeline.warehouse import publish as publish_build

    settings = _settings()
    with building(settings.build):
        return {"bytes": publish_build(settings.build, settings.warehouse)}


def one_more_day() -> Numbers:
    """A day from the vendor to the published file, on whatever history the data folder holds."""
    found: Numbers = {"parts": {}}
    for part in (land, load, dbt_build, publish):
        took: Numbers = {}
        with clocked(took):
            done = part()
        found["parts"][part.__name__] = took
        found |= {name: done[name] for name in ("rows", "requests") if part is land}
        found |= {name: done[name] for name in ("bytes", "models") if name in done and part is not land}
    return found


def run() -> Numbers:
    """End to end, as the console script does it: Dagster, landing, load, dbt, the published file."""
    from attendance_pipeline.cli.landing import land as land_and_build
    from attendance_pipeline.vendors.zoom import Zoom

    settings, days = _settings(), _days()
    told = land_and_build(settings, [Zoom], days[0], days[-1])
    rows = sum(vendor["joins"] for vendor in told["summary"]["vendors"])
    return {"rows": rows, "requests": told["requests"], "bytes": bytes_below(settings.data)}


def hourly() -> Numbers:
    """What the hourly schedule and its sensor do when nothing is new; the start of Dagster's processes left out.

    `ours` is the pipeline's own work, the rest is what Dagster takes to run two steps and keep their events.
    """
    from attendance_pipeline.definitions import definitions
    from attendance_pipeline.defs import landing
    from attendance_pipeline.defs.following import has_news
    from attendance_pipeline.defs.headless import instance, run_job
    from attendance_pipeline.due import due_dates
    from attendance_pipeline.lake import Lake
    from attendance_pipeline.vendors import VENDORS
    from attendance_pipeline.vendors.zoom import Zoom

    settings = _settings()
    ours: Numbers = {"wall": 0.0, "cpu": 0.0}
    found: Numbers = {"requests": 0, "requests_for_attendance": 0, "ours": ours}
    for name in ("plan", "land_meetings", "land_attendance"):
        setattr(landing, name, _clocking(getattr(landing, name), ours))
    with instance(settings) as on:
        code_location = definitions()
        code_location.resolve_job_def("land_zoom")
        with clocked(found):
            with clocked(ours):
                windows = due_dates(Zoom, Lake(settings.lake), datetime.now(UTC), settings.attendance_start_date)
            for window in windows:
                config = landing.landing_config(Zoom)
                ran = run_job(code_location, "land_zoom", on, (window.first, window.last), config)
                found["requests"] += ran.metadata["zoom/days"]["requests"]
                found["requests_for_attendance"] += ran.metadata["zoom/readings"]["requests"]
            with clocked(ours):
                found["builds"] = has_news(list(VENDORS.values()))
    return found


def _clocking(work: Callable[..., Any], into: Numbers) -> Callable[..., Any]:
    def clocked_work(*arguments: Any, **named: Any) -> Any:
        with clocked(into):
            return work(*arguments, **named)

    return clocked_work


STAGES: dict[str, Callable[[], Numbers]] = {
    stage.__name__: stage for stage in (land, shape, validate, load, dbt_build, publish, one_more_day, run, hourly)
}


def main() -> None:
    """Run one stage; what every stage imports is imported before the clock starts."""
    import aiohttp  # noqa: F401
    import pandera.polars  # noqa: F401

    from attendance_pipeline.vendors import VENDORS  # noqa: F401

    if sys.argv[1] in ("load", "dbt_build", "one_more_day"):
        import attendance_pipeline.defs.warehouse  # noqa: F401
    # The sandbox's limits are off, so ours are too: what is measured is work, not waiting.
    from attendance_pipeline.vendors.zoom import account

    for plan, rates in account.PER_SECOND.items():
        account.PER_SECOND[plan] = dict.fromkeys(rates, 1e9)
        account.PER_DAY[plan] = 10**9
    measuring.report(STAGES[sys.argv[1]])


def _settings() -> Any:
    from attendance_pipeline.settings import Settings

    return Settings.load()


def _days() -> list[date]:
    from attendance_pipeline.windows import dates

    return dates(*(date.fromisoformat(os.environ[name]) for name in (FROM, TO)))


def _zoom() -> tuple[Any, Any, list[date]]:
    from attendance_pipeline.archive import Archive
    from attendance_pipeline.lake import Lake
    from attendance_pipeline.vendors.zoom import Zoom

    settings = _settings()
    return Zoom(settings, Archive(settings.lake, "zoom")), Lake(settings.lake), _days()


def _tell_reports(vendor: Any, lake: Any, days: list[date]) -> None:
    """The paths of the reports that were asked for, for those who fetch the same ones."""
    from attendance_pipeline.vendors.zoom.attendance import encoded

    meetings = [meeting for day in days for meeting in vendor.ended_on(lake, day)]
    paths = [
        f"/report/{'webinars' if meeting.is_webinar else 'meetings'}/{encoded(meeting.id)}/participants"
        for meeting in meetings
    ]
    meetings_file(vendor.settings.data).write_text(json.dumps(paths))


def _slowest(target: Path) -> list[tuple[str, float]]:
    """The models and tests of the last build that took longest."""
    results = json.loads((target / "run_results.json").read_text())["results"]
    took = [(result["unique_id"].split(".")[2], round(result["execution_time"], 2)) for result in results]
    return sorted(took, key=lambda one: -one[1])[:12]


if __name__ == "__main__":
    main()
