"""How fast the pipeline is, beside a bare loop and dlt over the same pages. Run by hand:

    make benchmark                                                               everything; most of an hour
    .venv/bin/python -m attendance_pipeline_tests.benchmarks 20000 --history 0   a small run; two minutes

Each stage runs in a process of its own, the sandbox in another with its rate limits off, so that seconds of CPU and
peak memory are the stage's own. Prints the table and what became of each aim; compare the ratios, the seconds are
this machine's.
"""

import argparse
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from . import rivals, serving, table
from .history import measure_history
from .measuring import run
from .stages import window

DAYS = 90
"""Ended dates that are landed; a landing is of as many as somebody back-fills."""
COMPARED = 2_000_000
"""More rows than these are landed without waiting and with nobody beside: the sandbox takes minutes to make them."""
FAILURES = (subprocess.CalledProcessError, OSError)


def main() -> None:
    """Measure, print, and write if wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", type=int, default=[20_000, 1_000_000, 10_000_000], help="participant rows")
    parser.add_argument("--latency", nargs="+", type=int, default=[0, 20], help="milliseconds that each answer waits")
    parser.add_argument("--history", type=int, help="intervals of two years; by default the most rows; 0: none")
    parser.add_argument("--folder", type=Path, help="where everything is written; by default a temporary one")
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    chosen = parser.parse_args()
    results = table.Results()
    others, told_of_others = _others(results)
    on = table.machine(told_of_others)
    print(f"{on}\n\n{table.TITLES}", flush=True)
    largest = max(chosen.rows) if chosen.history is None else chosen.history
    with suppress(KeyboardInterrupt):  # what is measured by then is told
        for rows in sorted(chosen.rows):
            with TemporaryDirectory(dir=chosen.folder) as folder:
                measure_landing(results, rows, chosen.latency, Path(folder), others)
        if largest:
            with TemporaryDirectory(dir=chosen.folder) as folder, _told(results, "history"):
                measure_history(results, largest, Path(folder))
    fetched = [rows for rows in chosen.rows if rows <= COMPARED]
    reached = list(table.aims(results, fetched, chosen.latency, largest))
    told = table.told(results, reached, on)
    print("\n" + told)
    if chosen.write:
        table.write(told)


def measure_landing(
    results: table.Results, rows: int, latencies: list[int], folder: Path, others: Path | None
) -> None:
    """Every stage over one Zoom account, and who else fetches the same pages."""
    compared = rows <= COMPARED
    today = datetime.now(UTC).date()
    with serving.sandbox(rows, DAYS) as served:
        environment = served.settings | window(today - timedelta(DAYS - 1), today)
        for latency in sorted(latencies, reverse=True) if compared else [0]:
            served.wait_so_long(latency / 1000)
            data = environment | {"ATTENDANCE_DATA": str(folder / f"landed_{latency}")}
            with _told(results, f"land, {rows:,} rows"):
                results.add("land", rows, run("land", "stages", data), latency)
            for name, stage in {"bare loop": "bare_loop", "dlt": "dlt_pipeline"}.items() if compared else ():
                if others is not None:
                    with _told(results, f"{name}, {rows:,} rows"):
                        results.add(name, rows, run(stage, "fetching", data, others), latency)
        names = {"shape": "shape, from the archive", "validate": "shape and validate"}
        if compared:
            names |= {"load": "load", "dbt_build": "dbt build", "publish": "publish"}
        with _told(results, f"stages, {rows:,} rows"):
            for stage, name in names.items():
                results.add(name, rows, run(stage, "stages", data))
        if compared:
            slowest = max(latencies)
            served.wait_so_long(slowest / 1000)
            data = environment | {"ATTENDANCE_DATA": str(folder / "run")}
            with _told(results, f"end to end, {rows:,} rows"):
                results.add("end to end", rows, run("run", "stages", data), slowest)
                results.add("hourly, nothing new", rows, run("hourly", "stages", data), slowest)


@contextmanager
def _told(results: table.Results, what: str) -> Iterator[None]:
    """What fails is told of, and hides nothing else."""
    try:
        yield
    except FAILURES as error:
        said = getattr(error, "stderr", None) or b""
        results.note(f"{what}: failed, {error}; {said.decode(errors='replace').strip().splitlines()[-1:]}")


def _others(results: table.Results) -> tuple[Path | None, str]:
    try:
        python = rivals.python()
        return python, f"beside it {rivals.versions(python, 'dlt', 'duckdb', 'pyarrow', 'httpx-aiohttp')}"
    except FAILURES as error:
        results.note(f"those who are compared with: not installed, {error}")
        return None, "nobody beside it"


if __name__ == "__main__":
    main()
