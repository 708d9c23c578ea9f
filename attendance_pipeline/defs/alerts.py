"""The sensor that tells a person what needs one."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import dagster as dg

from attendance_pipeline.alerts import Alert, Troubles, tell
from attendance_pipeline.channels import channels, why_no_mail, why_off
from attendance_pipeline.choice import why_not_asked
from attendance_pipeline.clock import utc_now
from attendance_pipeline.coverage import Gap, read_expiring
from attendance_pipeline.days import last_asked
from attendance_pipeline.defs.coverage import MART
from attendance_pipeline.defs.endings import Endings
from attendance_pipeline.errors import AttendanceError, UsageError
from attendance_pipeline.lake import Lake
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors import VENDORS

TROUBLES = "attendance/alerts/troubles"
READ = "attendance/alerts/read"
"""Where the instance keeps them, beside the runs that they are about.

Not the sensor's cursor: that is only kept where a tick ends well, and a tick that is cut short has told something
already. Not a file: that couldn't be written when a full disk is what there is to tell.
"""


def alerts() -> dg.SensorDefinition:
    """Looks for troubles and tells each once."""

    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells by webhook and mail, once each: failed runs, refused credentials, changed formats, what "
        "soon can't be had any more, vendors that are no longer read. Off until ATTENDANCE_ALERT_WEBHOOK or "
        "ATTENDANCE_ALERT_EMAIL is set",
    )
    def tick(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        settings = Settings.load()
        if reason := why_off(settings):
            return dg.SkipReason(reason)
        on, now = context.instance.daemon_cursor_storage, utc_now()
        kept = on.get_cursor_values({TROUBLES, READ})
        troubles = Troubles(kept.get(TROUBLES, ""))
        here = context.code_location_origin
        endings = Endings(
            context.instance,
            here.location_name if here else None,
            settings.attendance_dagster_url,
            json.loads(kept.get(READ, "{}")),
        )

        def keep() -> None:
            on.set_cursor_values({TROUBLES: troubles.encoded(), READ: json.dumps(endings.read)})

        notes = list(endings.look(troubles, now))
        troubles.forget_the_quiet(now)
        with _noting(notes, "what soon can't be had"):
            _look_at_expiring(troubles, settings, now)
        for vendor in VENDORS:
            with _noting(notes, f"when {vendor} was read"):
                troubles.stands("stale", vendor, _stale(vendor, settings, now), now)
        keep()
        sent, failed = tell(troubles, channels(settings), keep)
        notes += [*failed, *([note] if (note := why_no_mail(settings)) else [])]
        for note in notes:
            context.log.warning(note)
        return dg.SkipReason("; ".join([f"messages sent: {sent}, troubles known: {len(troubles)}", *notes]))

    return tick


@contextmanager
def _noting(notes: list[str], what: str) -> Iterator[None]:
    """One thing that can't be looked at must not hide the others."""
    try:
        yield
    except AttendanceError as error:
        notes.append(f"can't look at {what}: {error}")
    except Exception as error:
        notes.append(f"can't look at {what} ({type(error).__name__})")


def _look_at_expiring(troubles: Troubles, settings: Settings, now: datetime) -> None:
    try:
        gaps = read_expiring(settings.warehouse)
    except UsageError:  # nothing is published yet
        gaps = []
    for vendor in VENDORS:
        of_vendor = [gap for gap in gaps if gap.vendor == vendor]
        alert = _expiring(vendor, of_vendor, settings.attendance_dagster_url) if of_vendor else None
        troubles.stands("expiring", vendor, alert, now)


def _expiring(vendor: str, gaps: list[Gap], url: str) -> Alert:
    days = sorted({gap.ended_date.isoformat() for gap in gaps})
    meetings, whole = sum(gap.meetings for gap in gaps), sum(gap.is_whole_day for gap in gaps)
    counts = {"whole day": whole, "known meeting": meetings}
    lacking = " and ".join(f"{n} {what}{'' if n == 1 else 's'}" for what, n in counts.items() if n)
    dates = days[0] if len(days) == 1 else f"{len(days)} dates from {days[0]} to {days[-1]}"
    return Alert(
        "expiring",
        vendor,
        f"{vendor} will soon forget what isn't held ({dates})",
        f"{lacking} not held; the first can be had until {gaps[0].recoverable_until:%Y-%m-%d %H:%M} UTC. "
        "attendance-pipeline coverage names the runs that fetch them",
        f"{url}/assets/{'/'.join(MART.path)}?view=checks",
        frozenset(days),
    )


def _stale(vendor: str, settings: Settings, now: datetime) -> Alert | None:
    if why_not_asked(VENDORS[vendor], settings):
        return None
    asked = last_asked(Lake(settings.lake), vendor)
    if asked is None or now - asked <= timedelta(hours=settings.attendance_stale_hours):
        return None
    return Alert(
        "stale",
        vendor,
        f"{vendor} is no longer read",
        f"Its lists were read last at {asked:%Y-%m-%d %H:%M} UTC, more than {settings.attendance_stale_hours} hours "
        f"ago; look at the schedule land_{vendor}_hourly and its runs",
        f"{settings.attendance_dagster_url}/assets/{vendor}/days",
    )
