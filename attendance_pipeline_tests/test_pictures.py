"""The pictures over hand-made marts, looked at pixel by pixel."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageColor

from attendance_pipeline.calendars import SIGNS
from attendance_pipeline.coverage import Coverage, Day, Mark, VendorDays
from attendance_pipeline.pictures import COLORS, STYLES, calendar, utilization
from attendance_pipeline_tests.hand_made_marts import TODAY, busy, days_with, write_marts

KIB = 1024


def of(marks: Sequence[Mark], vendor: str = "zoom", first: date = date(2026, 1, 1)) -> Coverage:
    days = [
        Day(first + timedelta(days=after), mark, "complete", None, {"held": 1}, 0, False)
        for after, mark in enumerate(marks)
    ]
    return Coverage([VendorDays(vendor, days)], [], [], [])


def pixels(png: bytes, color: str) -> int:
    """How many have this colour, but for what a palette takes off it."""
    wanted = ImageColor.getrgb(color)
    colors = Image.open(BytesIO(png)).convert("RGB").getcolors(1 << 24) or []
    return sum(
        number
        for number, found in colors
        if isinstance(found, tuple) and all(abs(one - other) <= 6 for one, other in zip(found, wanted, strict=False))
    )


@pytest.mark.parametrize("mark", SIGNS)
def test_every_mark_has_a_colour_of_its_own_on_the_calendar(mark: Mark) -> None:
    around: Mark = "empty" if mark != "empty" else "complete"
    ten, none = calendar(of([mark] * 10 + [around] * 20)), calendar(of([around] * 30))

    # ten fields of some 17 times 15 dots, a sign in them and one in the legend
    assert pixels(ten, COLORS[mark]) - pixels(none, COLORS[mark]) > 10 * 17 * 15 / 2
    assert len(set(COLORS.values())) == len(SIGNS)


def test_a_calendar_grows_by_months_up_to_a_year_and_stays_small() -> None:
    def height(days: int) -> int:
        return Image.open(BytesIO(calendar(of([*SIGNS] * (days // len(SIGNS)))))).height

    months = [height(days) for days in (27, 81, 400, 4_000)]
    assert months == sorted(months)
    assert months[0] < months[1] < months[2] == months[3]
    vendors = [of([*SIGNS] * 50, vendor).vendors[0] for vendor in ("teams", "webex", "zoom")]
    worst = calendar(Coverage(vendors, [], [], []))
    assert worst.startswith(b"\x89PNG")
    assert len(worst) < 40 * KIB


def test_without_any_vendor_there_is_a_calendar_all_the_same() -> None:
    assert calendar(Coverage([], [], [], [])).startswith(b"\x89PNG")


def test_the_hours_are_as_high_as_they_are_and_only_of_six_weeks(tmp_path: Path) -> None:
    def hours(number: int, ago: int, name: str) -> bytes:
        of_day = busy("zoom", TODAY - timedelta(days=ago), 1)
        of_day["daily_utilization"]["attended_seconds"] = number * 3600
        tall = busy("webex", TODAY, 1)
        tall["daily_utilization"]["attended_seconds"] = 100 * 3600
        return utilization(write_marts(tmp_path / f"{name}.duckdb", **days_with([of_day, tall])), TODAY)

    color, _ = STYLES[1]
    full, half, old = (pixels(hours(*given), color) for given in ((80, 5, "a"), (40, 5, "b"), (80, 43, "c")))
    assert full > half * 1.5 > 0
    assert old < half / 3


def test_an_empty_lake_has_a_picture_too(tmp_path: Path) -> None:
    assert utilization(write_marts(tmp_path / "build.duckdb"), TODAY).startswith(b"\x89PNG")


def test_matplotlib_is_not_imported_when_the_code_location_loads() -> None:
    code = "import sys, attendance_pipeline.definitions; sys.exit('matplotlib' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603
