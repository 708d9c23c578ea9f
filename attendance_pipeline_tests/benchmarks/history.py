"""What the years that are held cost: the warehouse over all of them, the questions, and one more day on top."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from . import serving
from .measuring import Numbers, run
from .stages import window
from .table import Results

SPANS = {"a month": 30, "two years": 730}
WEEKDAYS = 521
"""Of two years."""
SERVED_DAYS = 30
SETTLED = timedelta(days=4)


def measure_history(results: Results, rows: int, folder: Path) -> None:
    """The warehouse over a month and over two years of one organisation, and a day more on each.

    The days before are written into the lake; the last two are landed from the sandbox, whose people have been there
    all the time. The last of them is the day that is measured.

    Args:
        results: to which everything is added.
        rows: intervals of two years; a month has as many a day.
        folder: for everything.
    """
    per_day = max(1, rows // WEEKDAYS)
    fetched = per_day * SERVED_DAYS * 5 // 7
    last = _weekday(datetime.now(UTC).date() - SETTLED)
    before = _weekday(last - timedelta(1))
    for span, days in SPANS.items():
        data = folder / span.replace(" ", "_")
        first, here = before - timedelta(days), {"ATTENDANCE_DATA": str(data)}
        made = run(
            "write", "generated", here | history_of(per_day, first, before - timedelta(1), fetched, SERVED_DAYS)
        )
        results.note(
            f"{span} of history: {made['rows']:,} intervals of three vendors, written into the lake and not landed, "
            f"in {made['wall']:.0f} s"
        )
        with serving.sandbox(fetched, SERVED_DAYS) as served:
            environment = served.settings | window(before, before) | here | {"ATTENDANCE_START_DATE": str(first)}
            run("land", "stages", environment)
            for stage in ("load", "dbt_build", "publish"):
                numbers = run(stage, "stages", environment)
                results.add(f"{stage.replace('_', ' ')}, {span}", rows, numbers)
                if "models" in numbers:
                    results.note(f"dbt over {span}, the slowest: {_listed(numbers)}")
            if span == "two years":
                results.add("twenty questions", rows, run("questions", "questions", environment))
            environment |= window(last, last) | {"ATTENDANCE_START_DATE": str(first)}
            numbers = run("one_more_day", "stages", environment)
            results.add(f"one more day on {span}", rows, numbers)
            parts = ", ".join(f"{part} {took['wall']:.1f} s" for part, took in numbers["parts"].items())
            results.note(f"one more day on {span}: {parts}; of dbt the slowest: {_listed(numbers)}")


def history_of(per_day: int, first: date, last: date, fetched: int, served_days: int) -> dict[str, str]:
    """The variables that tell the generator what to write.

    Args:
        per_day: joins a weekday.
        first: ended date.
        last: ended date, included.
        fetched: rows of the sandbox that is landed later; whom it knows has been there before.
        served_days: their days.
    """
    told = {"per_day": per_day, "first": first, "last": last, "fetched": fetched, "served_days": served_days}
    return {f"HISTORY_{name.upper()}": str(value) for name, value in told.items()}


def _weekday(day: date) -> date:
    """This one or the last before it."""
    return day - timedelta(max(0, day.weekday() - 4))


def _listed(numbers: Numbers) -> str:
    return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in numbers["models"])
