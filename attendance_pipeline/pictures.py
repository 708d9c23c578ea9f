"""Two pictures for people who watch, as PNG: the calendar of what is held, and the hours attended by day and vendor.

No name, no title and no address is in them. Knows the marts and matplotlib, which is imported when the first picture
is drawn: it takes a second. Knows no screen.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attendance_pipeline.calendars import SIGNS, months
from attendance_pipeline.coverage import Coverage, Mark
from attendance_pipeline.marts import opened, rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_MONTHS = 12
"""Of the calendar: more is read in the mart."""
SHOWN = timedelta(weeks=6)
"""Of the hours."""
DOTS = 80
"""Per inch: the UI shows a picture as large as it is."""
FEW_COLORS = 48
"""Enough for what is drawn; a picture is kept with every run that shows it."""
WIDTH = 8.0
"""Inches."""

COLORS: Mapping[Mark, str] = {
    "complete": "#0072B2",
    "empty": "#CFE3F1",
    "young": "#56B4E9",
    "partial": "#E69F00",
    "not_ready": "#F0E442",
    "denied": "#D55E00",
    "never_asked": "#EDEDED",
    "expiring": "#CC79A7",
    "lost": "#333333",
}
"""Okabe and Ito's, which people tell apart whatever colours they see; most marks have a sign as well."""
PLAIN: frozenset[Mark] = frozenset({"complete", "empty", "never_asked"})
"""Marks without a sign: most days of most calendars."""
WHITE_SIGN: frozenset[Mark] = frozenset({"denied", "lost"})

STYLES = (("#0072B2", ""), ("#E69F00", "//"), ("#009E73", ".."), ("#CC79A7", "xx"))
"""Colour and hatch of each vendor's bars."""

HOURS = """
    select vendor, ended_date, attended_seconds / 3600 as hours
    from marts.daily_utilization
    where ended_date between $first and $last
    order by vendor, ended_date
"""


def calendar(coverage: Coverage) -> bytes:
    """What is held of every ended date: a line for each month, a field for each day, a block for each vendor."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    blocks = [(vendor.vendor, list(months(vendor.days))[-MOST_MONTHS:]) for vendor in coverage.vendors]
    blocks = [block for block in blocks if block[1]]
    marks = {day.mark for _, of_vendor in blocks for month in of_vendor for day in month.days if day}
    heights = [len(of_vendor) for _, of_vendor in blocks] or [1]
    figure = Figure(figsize=(WIDTH, 0.24 * sum(heights) + 0.42 * len(heights) + 0.55), dpi=DOTS, layout="constrained")
    axes = figure.subplots(len(heights), 1, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
    for (vendor, of_vendor), ax in zip(blocks, axes, strict=False):
        fields = [
            (number, line, day.mark)
            for line, month in enumerate(of_vendor)
            for number, day in enumerate(month.days, 1)
            if day
        ]
        for mark in {mark for _, _, mark in fields}:
            places = [(number, line) for number, line, of_day in fields if of_day == mark]
            _fields(ax, places, COLORS[mark])
            if mark not in PLAIN:
                ax.scatter(
                    *zip(*places, strict=True),
                    marker=_sign(SIGNS[mark][0]),
                    s=55,
                    linewidths=0.6,
                    zorder=3,
                    color="white" if mark in WHITE_SIGN else "black",
                )
        ax.set(xlim=(0.5, 31.5), ylim=(len(of_vendor) - 0.5, -0.5))
        ax.set_xticks([1, 5, 10, 15, 20, 25, 30])
        ax.set_yticks(range(len(of_vendor)), [f"{month.first:%Y-%m}" for month in of_vendor])
        ax.set_title(vendor, loc="left", fontsize=10, fontweight="bold")
        _bare(ax)
    if not blocks:
        axes[0].text(0.5, 0.5, "nothing is wanted of any vendor", ha="center", va="center", fontsize=9)
        _bare(axes[0])
    legend = [
        Patch(facecolor=COLORS[mark], label=SIGNS[mark][1] if mark in PLAIN else " ".join(SIGNS[mark]))
        for mark in SIGNS
        if mark in marks
    ]
    if legend:
        figure.legend(handles=legend, loc="outside lower left", ncols=3, fontsize=9, frameon=False)
    return _png(figure)


def utilization(file: Path, today: date) -> bytes:
    """The hours attended by ended date and vendor, of the last six weeks; raises as `marts.opened` does."""
    from matplotlib.figure import Figure

    first = today - SHOWN
    days = [first + timedelta(days=after) for after in range(SHOWN.days + 1)]
    with opened(file) as connection:
        found = list(rows(connection, HOURS, {"first": first, "last": today}))
    by_vendor: dict[str, dict[date, float]] = {}
    for row in found:
        by_vendor.setdefault(row["vendor"], {})[row["ended_date"]] = row["hours"]
    figure = Figure(figsize=(WIDTH, 3.2), dpi=DOTS, layout="constrained")
    ax = figure.subplots()
    below = [0.0] * len(days)
    for (vendor, hours), (color, hatch) in zip(sorted(by_vendor.items()), STYLES * len(by_vendor), strict=False):
        heights = [hours.get(day, 0.0) for day in days]
        ax.bar(
            range(len(days)),
            heights,
            0.8,
            below,
            label=vendor,
            color=color,
            hatch=hatch,
            edgecolor="white",
            linewidth=0,
        )
        below = [one + other for one, other in zip(below, heights, strict=True)]
    mondays = [place for place, day in enumerate(days) if day.weekday() == 0]
    ax.set_xticks(mondays, [f"{days[place]:%d %b}" for place in mondays])
    ax.set_xlim(-1, len(days))
    ax.set_title("Hours attended by ended date (UTC); a label is a Monday", loc="left", fontsize=10)
    ax.grid(axis="y", linewidth=0.5, color="#DDDDDD")
    ax.set_axisbelow(True)
    if by_vendor:
        figure.legend(loc="outside lower left", ncols=len(by_vendor), fontsize=9, frameon=False)
    _bare(ax)
    return _png(figure)


def _fields(ax: Any, places: Sequence[tuple[int, int]], color: str) -> None:
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    squares = [Rectangle((number - 0.45, line - 0.42), 0.9, 0.84) for number, line in places]
    ax.add_collection(PatchCollection(squares, facecolor=color, linewidth=0))


def _sign(text: str) -> Any:
    """A sign as the shape of a marker, around its middle."""
    from matplotlib.textpath import TextPath
    from matplotlib.transforms import Affine2D

    shape = TextPath((0, 0), text)
    box = shape.get_extents()
    return shape.transformed(Affine2D().translate(-(box.x0 + box.x1) / 2, -(box.y0 + box.y1) / 2))


def _bare(ax: Any) -> None:
    ax.tick_params(length=0, labelsize=9)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _png(figure: "Figure") -> bytes:
    from PIL import Image

    drawn, picture = BytesIO(), BytesIO()
    figure.savefig(drawn, format="png")
    Image.open(drawn).convert("RGB").quantize(FEW_COLORS).save(picture, "png", optimize=True)
    return picture.getvalue()
