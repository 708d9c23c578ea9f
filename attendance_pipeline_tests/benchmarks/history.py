"""What the years that are held cost: the warehouse over all of them, the questions, and one more day on top."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from attendance_pipeline.sandbox import Size
from attendance_pipeline.sandbox.organisation import Organisation

from . import serving
from .generated import History
from .measuring import Numbers, clocked, run
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
    # whom the sandbox of this size knows
    people = Organisation(size=Size.of_rows(fetched, SERVED_DAYS), mix={"zoom": 1}).employees
    last = _weekday(datetime.now(UTC).date() - SETTLED)
    before = _weekday(last - timedelta(1))
    for span, days in SPANS.items():
        data = folder / span.replace(" ", "_")
        history = History(per_day, before - timedelta(days), before - timedelta(1), [one.email for one in people])
        took: Numbers = {}
        with clocked(took):
            written = history.write(data / "lake")
        results.note(
            f"{span} of history: {written:,} intervals of three vendors, written into the lake and not landed, "
            f"in {took['wall']:.0f} s"
        )
        with serving.sandbox(fetched, SERVED_DAYS) as served:
            environment = served.settings | window(before, before) | {"ATTENDANCE_DATA": str(data)}
            environment["ATTENDANCE_START_DATE"] = str(history.first)
            run("land", "stages", environment)
            for stage in ("load", "dbt_build", "publish"):
                numbers = run(stage, "stages", environment)
                results.add(f"{stage.replace('_', ' ')}, {span}", rows, numbers)
                if "models" in numbers:
                    results.note(f"dbt over {span}, the slowest: {_listed(numbers)}")
            if span == "two years":
                results.add("twenty questions", rows, run("questions", "questions", environment))
            environment |= window(last, last) | {"ATTENDANCE_START_DATE": str(history.first)}
            numbers = run("one_more_day", "stages", environment)
            results.add(f"one more day on {span}", rows, numbers)
            parts = ", ".join(f"{part} {took['wall']:.1f} s" for part, took in numbers["parts"].items())
            results.note(f"one more day on {span}: {parts}; of dbt the slowest: {_listed(numbers)}")


def _weekday(day: date) -> date:
    """This one or the last before it."""
    return day - timedelta(max(0, day.weekday() - 4))


def _listed(numbers: Numbers) -> str:
    return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in numbers["models"])
