"""What was measured as one Markdown table, the aims with their ratios, and the README that holds both."""

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from .measuring import Numbers

README = Path(__file__).parents[2] / "README.md"
BEGINS, ENDS = "<!-- benchmark -->\n", "<!-- /benchmark -->"
VERSIONS = ("duckdb", "dbt-core", "polars", "pyarrow", "pandera", "msgspec", "httpx", "aiohttp", "dagster")


@dataclass(frozen=True)
class Measured:
    """One row of the table.

    Attributes:
        stage: what was measured.
        rows: intervals, about.
        latency: milliseconds that every answer waited; None where nobody is asked.
        numbers: what it took.
    """

    stage: str
    rows: int
    latency: int | None
    numbers: Numbers

    def __str__(self) -> str:
        """A line of Markdown."""
        took, held = self.numbers, self.numbers.get("rows") or self.rows
        latency = "" if self.latency is None else f"{self.latency} ms"
        a_second = f"{held / took['cpu']:,.0f}" if took["cpu"] and took.get("rows") else ""
        mb = f"{took['bytes'] / 1e6:,.1f}" if "bytes" in took else ""
        return (
            f"| {self.stage} | {latency} | {held:,} | {took['wall']:,.1f} | {took['cpu']:,.1f} | {a_second} | "
            f"{took['peak_mb']:,.0f} | {mb} |"
        )


TITLES = (
    "| stage | each answer waits | intervals | wall s | CPU s | intervals per CPU s | peak MB | MB written |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|"
)


@dataclass(frozen=True)
class Aim:
    """What was wanted, and what came of it; `measured` is None where a part of it is missing."""

    what: str
    wanted: str
    measured: str | None = None
    met: bool = False

    def __str__(self) -> str:
        """A line of Markdown."""
        verdict = "not measured" if self.measured is None else "met" if self.met else "**missed**"
        return f"| {self.what} | {self.wanted} | {self.measured or ''} | {verdict} |"


class Results:
    """Everything that one run measured."""

    def __init__(self) -> None:
        self.measured: list[Measured] = []
        self.notes: list[str] = []

    def add(self, stage: str, rows: int, numbers: Numbers, latency: int | None = None) -> None:
        """Keep a row, and show it right away."""
        self.measured.append(Measured(stage, rows, latency, numbers))
        print(self.measured[-1], flush=True)

    def note(self, said: str) -> None:
        """Keep what the table can't tell."""
        self.notes.append(said)
        print(f"  {said}", flush=True)

    def of(self, stage: str, rows: int, latency: int | None = None) -> Numbers | None:
        """What one stage took."""
        wanted = (stage, rows, latency)
        return next((one.numbers for one in self.measured if (one.stage, one.rows, one.latency) == wanted), None)


def aims(results: Results, fetched: Sequence[int], latencies: Sequence[int], largest: int) -> Iterator[Aim]:
    """Each aim with its ratio inside this run.

    Args:
        results: of the run.
        fetched: how many rows were landed from the sandbox, the sizes beside which others were measured.
        latencies: of the sandbox, milliseconds.
        largest: the size of the history.
    """
    rows, slow, fast = max(fetched, default=0), max(latencies), min(latencies)
    size = f"{rows:,} Zoom rows"
    yield _ratio(
        f"landing {size}, {slow} ms an answer, 20 in flight: wall to the bare loop's",
        1.3,
        results.of("land", rows, slow),
        results.of("bare loop", rows, slow),
        "wall",
    )
    yield _ratio(
        "the same: wall to dlt's", 1 / 3, results.of("land", rows, slow), results.of("dlt", rows, slow), "wall"
    )
    yield _ratio(
        f"landing {size}, {fast} ms an answer: CPU to dlt's",
        1 / 6,
        results.of("land", rows, fast),
        results.of("dlt", rows, fast),
        "cpu",
    )
    yield _ratio(
        "the same: CPU to the bare loop's over the same transport",
        2,
        results.of("land", rows, fast),
        results.of("bare loop", rows, fast),
        "cpu",
    )
    landed: dict[int, float] = {}
    for one in results.measured:
        if one.stage == "land":
            landed[one.rows] = max(one.numbers["peak_mb"], landed.get(one.rows, 0))
    told = ", ".join(f"{peak:,.0f} MB at {of:,}" for of, peak in sorted(landed.items()))
    # measured memory wavers by a tenth from run to run
    steady = len(landed) > 1 and landed[max(landed)] <= 1.1 * landed.get(rows, 0)
    yield Aim(
        "landing: peak memory",
        "under 600 MB, no more for ten times the rows",
        told or None,
        bool(landed) and max(landed.values()) < 600 and steady,
    )
    shaped = results.of("shape and validate", rows)
    yield Aim(
        "shape and validate",
        "500,000 rows a second on one core",
        shaped and f"{shaped['rows'] / shaped['cpu']:,.0f}",
        bool(shaped) and shaped["rows"] / shaped["cpu"] >= 5e5,
    )
    built = results.of("dbt build, two years", largest)
    yield Aim(
        f"first full dbt build over {largest:,} intervals",
        "under 60 s, under 4 GiB",
        built and f"{built['wall']:.0f} s, {built['peak_mb'] / 1024:.1f} GiB",
        bool(built) and built["wall"] < 60 and built["peak_mb"] < 4096,
    )
    short, long = (results.of(f"one more day on {span}", largest) for span in ("a month", "two years"))
    yield _ratio(
        "one more day on two years, landing to publish: wall to the same day on a month", 1.3, long, short, "wall"
    )
    hourly = results.of("hourly, nothing new", rows, slow)
    yield Aim(
        "hourly run with nothing new",
        "discovery requests only; our work under 2 s beside Dagster's",
        hourly
        and f"{hourly['requests']} discovery and {hourly['requests_for_attendance']} attendance requests, "
        f"{'a build' if hourly['builds'] else 'no build'}; {hourly['ours']['wall']:.1f} s of {hourly['wall']:.1f} s",
        bool(hourly)
        and not hourly["requests_for_attendance"]
        and not hourly["builds"]
        and hourly["ours"]["wall"] < 2,
    )
    asked = results.of("twenty questions", largest)
    yield Aim(
        f"the analysts' twenty questions over {largest:,} intervals",
        "median under 100 ms",
        asked
        and f"{asked['warm_ms']:.0f} ms, {asked['cold_ms']:.0f} ms with the opening; the slowest "
        f"{asked['slowest_ms']:.0f} ms ({asked['slowest']})",
        bool(asked) and asked["warm_ms"] < 100,
    )


def machine(dlt: str) -> str:
    """The date, the machine and the versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    busy = os.getloadavg()[1]
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"{busy:.1f} processes at work before it began, Python {platform.python_version()}; "
        f"{', '.join(f'{name} {version(name)}' for name in VERSIONS)}; {dlt}"
    )


def told(results: Results, reached: Sequence[Aim], on: str) -> str:
    """What goes into the README."""
    lines = [on, "", TITLES, *map(str, results.measured), ""]
    lines += ["| aim | wanted | measured | |", "|---|---|---|---|", *map(str, reached), ""]
    lines += [f"- {note}" for note in results.notes]
    return "\n".join(lines).rstrip() + "\n"


def write(text: str) -> None:
    """Into the README, between its markers."""
    before, rest = README.read_text().split(BEGINS)
    README.write_text(before + BEGINS + text + ENDS + rest.split(ENDS)[1])


def _ratio(what: str, wanted: float, ours: Numbers | None, theirs: Numbers | None, of: str) -> Aim:
    if ours is None or theirs is None:
        return Aim(what, f"at most {wanted:.2g} ×")
    ratio = ours[of] / theirs[of]
    return Aim(
        what, f"at most {wanted:.2g} ×", f"{ratio:.2f} × ({ours[of]:.1f} : {theirs[of]:.1f} s)", ratio <= wanted
    )
