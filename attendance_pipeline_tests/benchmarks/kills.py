"""What kills cost: the work of every stage, killed at random moments again and again. Run by hand:

    .venv/bin/python -m attendance_pipeline_tests.benchmarks.kills [--kills 100] [--seed 7]

One data folder, to which every round adds two ended dates of all three vendors: so there is work in every stage,
and a published file that readers have open while the next one is made. A round's kills go through the stages in
order; some take the console script, at any moment of its run. Then one ordinary run has to reach the truth. Prints a
Markdown table; a row too few or too many, a request too much or a reader's error makes the exit code 1.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from attendance_pipeline.http.session import IN_FLIGHT
from attendance_pipeline.lake import Lake
from attendance_pipeline.sandbox import Sandbox, TeamsOptions, Truth, WebexOptions, ZoomOptions
from attendance_pipeline.sandbox.model import Size
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline.windows import dates
from attendance_pipeline_tests.console import LAST, naive, pointed_at, started
from attendance_pipeline_tests.crashing import (
    TABLES,
    Kill,
    Killer,
    Order,
    Stage,
    Watched,
    Worker,
    left_behind,
    missing_and_surplus,
    watching,
)

SIZE = Size(employees=40, meetings_per_weekday=60, median_attendees=4.0, crowd=312, webinar_audience=12)
LATENCY = 0.1
"""Seconds in which twenty requests are in flight."""
SHARES = {"pull": 34, "fold": 8, "shape": 12, "load": 12, "dbt": 10, "publish": 14, "console": 10}
"""Of a hundred kills."""
A_ROUND = 25
"""Kills between one ordinary run and the next."""
MOMENTS = frozenset({"document_id", "read_at", "asked_at"})
"""Columns that tell of the asking, so that no two runs agree on them."""


@dataclass
class Compared:
    """Rows beside those that they should be."""

    rows: int = 0
    lost: int = 0
    doubled: int = 0

    def add(self, held: Sequence[Any], wanted: Sequence[Any]) -> None:
        """Compare one table."""
        lost, doubled = missing_and_surplus(held, wanted)
        self.rows, self.lost, self.doubled = self.rows + len(wanted), self.lost + lost, self.doubled + doubled


def one_round(
    killer: Killer, dice: random.Random, days: tuple[date, date], kills: int, environment: dict[str, str]
) -> None:
    """Kills in every stage, in the order in which work reaches them, then an ordinary run."""
    wanted = {stage: round(kills * share / sum(SHARES.values())) for stage, share in SHARES.items()}
    wanted["pull"] += kills - sum(wanted.values())
    names = list(VENDORS)
    early = ["pull"] * wanted["pull"] + ["fold"] * wanted["fold"] + ["console"] * wanted["console"]
    dice.shuffle(early)
    late = [stage for stage in ("shape", "load", "dbt") for _ in range(wanted[stage])]
    for stage in early + late:
        if stage == "console":
            kill_console(killer, dice, days, environment)
        else:
            names.append(names.pop(0))
            # a landing folds four times, and shapes twice
            times = dice.randint(1, {"fold": 4, "shape": 4}.get(stage, 1))
            insist(killer, stage, Order(*days, vendors=tuple(names)), times)
        tell(killer)
    for number in range(wanted["publish"]):
        insist(killer, "publish", Order(*days) if not number else Order(*days, steps=("publish",)))
        tell(killer)
    killer.finish(Order(*days))


def insist(killer: Killer, stage: Stage, order: Order, times: int = 1) -> None:
    """Kill once, however often it comes too late."""
    while killer.kill(stage, order, times) == "done":
        killer.typical[stage] = killer.typical.get(stage, 1.0) * 0.7


def kill_console(killer: Killer, dice: random.Random, days: tuple[date, date], environment: dict[str, str]) -> None:
    """Kill the console script at any moment of its run."""
    while True:
        with killer.counting() as asked:
            began = time.monotonic()
            process = subprocess.Popen(
                [Path(sys.executable).with_name("attendance-pipeline"), "run", *between(days)],
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            try:
                process.communicate(timeout=dice.random() * killer.typical.get("console", 50.0))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
            error = process.communicate()[1]
            time.sleep(0.25)  # what was on its way is noted
        if process.returncode == -signal.SIGKILL:
            killer.kills.append(Kill("console script", asked))
            return
        assert process.returncode == 0, error.decode()
        killer.typical["console"] = time.monotonic() - began


def between(days: tuple[date, date]) -> list[str]:
    return ["--from", str(days[0]), "--to", str(days[1])]


def compare_marts(compared: Compared, data: Path, truth: Truth) -> None:
    """The published file beside the truth, to the second."""
    with duckdb.connect(str(data / "attendance.duckdb"), read_only=True) as published:
        held = {mart: published.execute(query).fetchall() for mart, query in OF_THE_TRUTH.items()}
    compared.add(
        held["meetings"],
        [(m.vendor_meeting_id, m.attendee_count, m.join_count, m.attended_seconds) for m in truth.meetings],
    )
    compared.add(
        held["attendees"],
        [(a.vendor_meeting_id, a.email, a.join_count, a.attended_seconds) for a in truth.attendees],
    )
    compared.add(
        held["attendance_intervals"],
        [(i.vendor_meeting_id, naive(i.joined_at), naive(i.left_at), i.room) for i in truth.intervals],
    )


OF_THE_TRUTH = {
    "meetings": "select vendor_meeting_id, attendee_count, join_count, attended_seconds from marts.meetings",
    "attendees": "select vendor_meeting_id, email, attendees.join_count, attendees.attended_seconds"
    " from marts.attendees join marts.meetings using (meeting_key)",
    "attendance_intervals": "select vendor_meeting_id, joined_at, left_at, room"
    " from marts.attendance_intervals join marts.meetings using (meeting_key)",
}


def compare_lakes(compared: Compared, data: Path, unkilled: Path, days: Sequence[date]) -> None:
    """Every table of the lake beside one that was landed in one go."""
    for table in TABLES:
        held, wanted = (
            [
                {name: value for name, value in row.items() if name not in MOMENTS}
                for day in days
                if (rows := Lake(folder / "lake").read(table.vendor, table.name, day)) is not None
                for row in rows.to_pylist()
            ]
            for folder in (data, unkilled)
        )
        compared.add(held, wanted)


def tell(killer: Killer) -> None:
    """One line for whoever watches."""
    print(f"{len(killer.kills)} kills, the last in {killer.kills[-1].stage}", file=sys.stderr, flush=True)


def print_table(kills: Sequence[Kill], marts: Compared, lake: Compared, saw: Sequence[Watched]) -> bool:
    """The table; whether all is well."""
    print("\n| killed in | kills | requests repeated, most after a kill | in all |\n|---|---:|---:|---:|")
    for stage in dict.fromkeys([*SHARES, *(kill.stage for kill in kills)]):
        again = [kill.repeated for kill in kills if kill.stage == stage]
        if again:
            print(f"| {stage} | {len(again)} | {max(again)} | {sum(again)} |")
    most = max(kill.repeated for kill in kills)
    print(f"| **all** | {len(kills)} | {most} (in flight: {IN_FLIGHT}) | {sum(kill.repeated for kill in kills)} |")
    print("\n| compared | rows | lost | doubled |\n|---|---:|---:|---:|")
    for what, compared in (("marts with the truth, after each round", marts), ("lake with an unkilled one", lake)):
        print(f"| {what} | {compared.rows:,} | {compared.lost} | {compared.doubled} |")
    print("\n| reader | opens | different files | errors |\n|---|---:|---:|---:|")
    for reader, watched in zip(("opens again and again", "keeps open"), saw, strict=True):
        print(f"| {reader} | {watched.opens:,} | {watched.files} | {len(watched.errors)} |")
        print(*Counter(watched.errors).items(), sep="\n", file=sys.stderr)
    wrong = marts.lost + marts.doubled + lake.lost + lake.doubled + sum(len(watched.errors) for watched in saw)
    return wrong == 0 and most <= IN_FLIGHT


def main() -> None:
    """Kill, compare, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    dice, rounds = random.Random(chosen.seed), max(1, chosen.kills // A_ROUND)  # noqa: S311
    first, marts, lake = LAST - timedelta(days=2 * rounds - 1), Compared(), Compared()
    zoom = ZoomOptions(plan="business", rate_limits=False, latency_seconds=LATENCY)
    webex = WebexOptions(rate_limits=False, latency_seconds=LATENCY)
    teams = TeamsOptions(rate_limits=False, latency_seconds=LATENCY)
    with (
        TemporaryDirectory() as folder,
        Sandbox(seed=chosen.seed, size=SIZE, zoom=zoom, webex=webex, teams=teams) as sandbox,
        watching(Path(folder) / "data" / "attendance.duckdb") as saw,
    ):
        data = Path(folder) / "data"
        environment = pointed_at(sandbox, data)
        began = time.monotonic()
        with Killer(environment, lambda: sandbox.requests, dice) as killer:
            for number in range(rounds):
                days = (first, first + timedelta(days=2 * number + 1))
                share = chosen.kills * (number + 1) // rounds - chosen.kills * number // rounds
                one_round(killer, dice, days, share, environment)
                compare_marts(marts, data, sandbox.truth(*days))
        process = started(environment, "run", *between(days))
        _, error = process.communicate()
        assert process.returncode == 0, error
        compare_marts(marts, data, sandbox.truth(*days))
        unkilled = Worker(pointed_at(sandbox, Path(folder) / "unkilled"))
        unkilled.begin(Order(*days, steps=("land",)))
        unkilled.finish()
        compare_lakes(lake, data, Path(folder) / "unkilled", dates(*days))
        print(f"{len(killer.kills)} kills in {time.monotonic() - began:.0f} s; seed {chosen.seed}")
        print(f"left beside other files: {dict(left_behind(data)) or 'nothing'}")
    sys.exit(0 if print_table(killer.kills, marts, lake, saw) else 1)


if __name__ == "__main__":
    main()
