"""The jobs that land a vendor and build the warehouse; and those with which a person asks for more than schedules do.

A person's job checks what was asked and ends; the landing runs that it comes to are started by a sensor, one for each
vendor and stretch of dates: they wait in the vendor's own queue, and can be watched and canceled each by itself.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

import dagster as dg
from pydantic import Field

from attendance_pipeline.archive import Archive
from attendance_pipeline.choice import check_dates, chosen
from attendance_pipeline.defs.failures import tells_why
from attendance_pipeline.defs.landing import landing_config
from attendance_pipeline.defs.schedules import range_tags
from attendance_pipeline.errors import UsageError
from attendance_pipeline.lake import Lake
from attendance_pipeline.landing import answered_dates
from attendance_pipeline.plan import plan
from attendance_pipeline.quarantine import Wanted, quarantined_rows
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline.vendors.base import Vendor
from attendance_pipeline.windows import Window, dates, runs

ASKED_BY = "attendance/asked_by"
"""Tag of a landing run: the run of the person's job that it comes from."""

VendorName = Enum("VendorName", {name: name for name in VENDORS})  # type: ignore[misc]
"""What the launchpad offers."""

_EVERY_VENDOR = "Of these vendors; empty: of every vendor"
_FIRST = "First ended date (UTC), such as 2026-11-01"
_LAST = "Last ended date (UTC), included, such as 2026-11-20"


class Pull(dg.Config):
    """Which ended dates to ask the vendors about."""

    vendors: list[VendorName] = Field(default=[], description=f"{_EVERY_VENDOR} that is on")
    first: str = Field(description=_FIRST)
    last: str = Field(description=_LAST)
    again: bool = Field(
        default=False,
        description="Ask for lists of meetings again that were read late enough already; settled attendance is never "
        "asked for again",
    )


class Reshape(dg.Config):
    """Which ended dates to rebuild from the archive."""

    vendors: list[VendorName] = Field(default=[], description=f"{_EVERY_VENDOR} with an archive")
    first: str = Field(description=_FIRST)
    last: str = Field(description=_LAST)


class Replay(dg.Config):
    """Which quarantined rows to give another try."""

    vendors: list[VendorName] = Field(default=[], description=_EVERY_VENDOR)
    tables: list[str] = Field(default=[], description="Of these tables, such as participants; empty: of every table")
    rules: list[str] = Field(default=[], description="That broke one of these rules; empty: whatever they broke")


@dataclass(frozen=True)
class Stretch:
    """What one landing run is to do."""

    vendor: type[Vendor[Any]]
    window: Window
    ask: bool
    again: bool

    def __str__(self) -> str:
        return f"{self.vendor.name} {self.window.first} to {self.window.last}"


def landing_job(vendor_type: type[Vendor[Any]]) -> Any:
    """Lands one vendor's ended dates."""
    return dg.define_asset_job(
        f"land_{vendor_type.name}",
        selection=dg.AssetSelection.groups(vendor_type.name),
        description=f"Land {vendor_type.name}: meetings that ended on the chosen dates, and who attended them. "
        "Materialize all… takes a range of dates; the job pull takes it as text",
        tags={"vendor": vendor_type.name},
    )


def warehouse_jobs() -> list[Any]:
    """Load, build, publish: what changed, or everything."""
    # by group: some models are read by the next build alone, and lead nowhere
    selection = dg.AssetSelection.groups("raw", "staging", "intermediate", "marts", "metrics", "publish")
    return [
        dg.define_asset_job(
            "warehouse",
            selection=selection,
            description="Load what landed, build and test the marts, publish the file that analysts open",
        ),
        dg.define_asset_job(
            "rebuild_warehouse",
            selection=selection,
            config={"ops": {"load": {"config": {"from_nothing": True}}}},
            description="The same from nothing: the build file is deleted, everything is loaded from the lake and "
            "built anew. The published file stays as it is until that has succeeded",
        ),
    ]


def stretches_to_pull(settings: Settings, config: Pull) -> list[Stretch]:
    """What the job `pull` comes to.

    Raises:
        UsageError: a vendor is off, or a date can't be asked about.
    """
    vendors = chosen(settings, [name.value for name in config.vendors])
    window = _window(config.first, config.last)
    check_dates(settings, vendors, window.first, window.last)
    return [Stretch(vendor, window, ask=True, again=config.again) for vendor in vendors]


def stretches_to_reshape(settings: Settings, config: Reshape) -> list[Stretch]:
    """What the job `reshape` comes to: the dates that a vendor ever answered about.

    Raises:
        UsageError: there are none, or a date can't be meant.
    """
    window = _window(config.first, config.last)
    check_dates(settings, (), window.first, window.last)
    lake, days = Lake(settings.lake), dates(window.first, window.last)
    found = [
        Stretch(VENDORS[name], stretch, ask=False, again=False)
        for name in [name.value for name in config.vendors] or VENDORS
        for stretch in runs(answered_dates(VENDORS[name](settings, Archive(settings.lake, name)), lake, days))
    ]
    if not found:
        raise UsageError(f"the archive has no answer about {window.first} to {window.last}; the job pull asks for it")
    return found


def stretches_to_replay(settings: Settings, config: Replay) -> list[Stretch]:
    """What the job `replay_quarantine` comes to: the dates of the rows.

    Raises:
        UsageError: no such row is in quarantine.
    """
    wanted = Wanted(
        vendors=[name.value for name in config.vendors] or list(VENDORS), tables=config.tables, rules=config.rules
    )
    days: dict[str, set[date]] = {}
    for row in quarantined_rows(Lake(settings.lake), wanted):
        days.setdefault(row.id.vendor, set()).add(row.ended_date)
    if not days:
        raise UsageError("no such row is in quarantine; the check quarantine of each table tells which are")
    return [
        Stretch(VENDORS[vendor], stretch, ask=False, again=False)
        for vendor, of_vendor in days.items()
        for stretch in runs(of_vendor)
    ]


_ASKED: Mapping[str, tuple[type[dg.Config], Callable[[Settings, Any], list[Stretch]], str]] = {
    "pull": (
        Pull,
        stretches_to_pull,
        "Pull these ended dates: ask the vendors for what isn't held of them. First says how many requests it takes",
    ),
    "reshape": (
        Reshape,
        stretches_to_reshape,
        "Reshape these ended dates: rebuild their tables from the archive alone; no vendor is asked",
    ),
    "replay_quarantine": (
        Replay,
        stretches_to_replay,
        "Replay the quarantine: give its rows another try, after a fix; from the archive alone",
    ),
}
"""The jobs that people start: their configuration, what it comes to, their help."""


def jobs_for_people() -> list[dg.JobDefinition]:
    """`pull`, `reshape` and `replay_quarantine`."""
    return [_job(name, *told) for name, told in _ASKED.items()]


def _job(
    name: str, config_type: type[dg.Config], stretches: Callable[[Settings, Any], list[Stretch]], says: str
) -> dg.JobDefinition:
    def check(context: dg.OpExecutionContext, config: Any) -> None:
        settings = Settings.load()
        asked = stretches(settings, config)
        for stretch in asked:
            context.log.info(_plan(settings, stretch) if stretch.ask else f"{stretch}: from the archive alone")
        context.add_output_metadata({"runs_that_follow": [str(stretch) for stretch in asked]})

    check.__annotations__["config"] = config_type
    op = dg.op(name=_op(name), description=says)(tells_why(check))

    @dg.job(name=name, description=says)
    def job() -> None:
        op()

    return job


def _op(job_name: str) -> str:
    return f"check_{job_name}"


def _plan(settings: Settings, stretch: Stretch) -> str:
    vendor = stretch.vendor(settings, Archive(settings.lake, stretch.vendor.name))
    days = dates(stretch.window.first, stretch.window.last)
    return str(plan(vendor, Lake(settings.lake), days, again=stretch.again))


def start_what_people_asked(people: Sequence[Any], landing: Sequence[Any]) -> dg.SensorDefinition:
    """Starts the landing runs that a person's job comes to, once that job has checked them.

    Args:
        people: the jobs that people start.
        landing: the vendors' landing jobs.
    """

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        name="start_what_people_asked",
        monitored_jobs=people,
        request_jobs=landing,
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts the landing runs that the jobs pull, reshape and replay_quarantine have checked",
    )
    def start(context: dg.RunStatusSensorContext) -> Iterator[dg.RunRequest]:
        run = context.dagster_run
        config_type, stretches, _ = _ASKED[run.job_name]
        said: dict[str, Any] = dict(run.run_config)["ops"][_op(run.job_name)]["config"]  # type: ignore[index]
        for stretch in stretches(Settings.load(), config_type(**said)):
            yield dg.RunRequest(
                run_key=f"{run.run_id} {stretch}",
                job_name=f"land_{stretch.vendor.name}",
                run_config=landing_config(stretch.vendor, ask=stretch.ask, again=stretch.again),
                tags=range_tags(stretch.window.first, stretch.window.last) | {ASKED_BY: run.run_id},
            )

    return start


def _window(first: str, last: str) -> Window:
    return Window(_date("first", first), _date("last", last))


def _date(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{name} isn't a date as 2026-11-01 is one: {text!r}") from None
