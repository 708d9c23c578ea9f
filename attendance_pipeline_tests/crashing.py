"""A process that does the work of every stage and is killed at a random moment, and readers of what is published.

Run as a module, this is either. The process is started ahead of its work, so that imports cost no time, and tells on
its standard output which stage it enters. A kill takes its whole process group, dbt included.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from threading import Thread
from typing import Any, Literal, Self

import duckdb

from attendance_pipeline.archive import Archive
from attendance_pipeline.clock import utc_now
from attendance_pipeline.dbt import DBT, DBT_PROJECT, environment, recipe, target
from attendance_pipeline.files import alone
from attendance_pipeline.lake import Lake
from attendance_pipeline.landing import land_attendance, land_meetings
from attendance_pipeline.loading import load
from attendance_pipeline.sandbox import Seen
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline.vendors.base import Vendor
from attendance_pipeline.warehouse import begin_build, building, finish_build, forget_build, needs_rebuild, publish
from attendance_pipeline.windows import dates

from .sandbox.client import Clock
from .vendors.account import at_full_speed
from .vendors.teams_account import unpaced

BUILD = ["build", "--exclude-resource-type", "unit_test"]
TABLES = [table for vendor in VENDORS.values() for table in (*vendor.listing_tables, *vendor.attendance_tables)]

Stage = Literal["pull", "fold", "shape", "load", "dbt", "publish", "done"]
Step = Literal["land", "load", "dbt", "publish"]
STEPS: tuple[Step, ...] = ("land", "load", "dbt", "publish")


@dataclass(frozen=True)
class Order:
    """What one process is to do: these steps, of these ended dates, the vendors in this order, as if at this time."""

    first: date
    last: date
    steps: Sequence[Step] = STEPS
    vendors: Sequence[str] = tuple(VENDORS)
    now: datetime | None = None

    def text(self) -> str:
        """One line, for another process."""
        return json.dumps(asdict(self), default=str) + "\n"

    @classmethod
    def read(cls, line: str) -> Self:
        """What `text` gave."""
        given = json.loads(line)
        days = {name: date.fromisoformat(given[name]) for name in ("first", "last")}
        now = given["now"] and datetime.fromisoformat(given["now"])
        return cls(**given | days | {"now": now})


class Worker:
    """A process that does what it is ordered to; started ahead, so that only work lies between order and kill.

    Args:
        environment: points at the vendors and at the data folder.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self.stages: list[tuple[Stage, float]] = []
        """What it told: the stages that it entered, and when."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, "work"],
            cwd=Path(__file__).parent.parent,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._listening = Thread(target=self._listen, daemon=True)

    def begin(self, order: Order) -> None:
        """Let it work."""
        assert self._process.stdin is not None
        self._process.stdin.write(order.text())
        self._process.stdin.flush()
        self._listening.start()

    def wait_for(self, stage: Stage, times: int = 1) -> None:
        """Until it has entered this stage so often, or has ended."""
        while self.works() and sum(entered == stage for entered, _ in self.stages) < times:
            time.sleep(0.0005)

    def works(self) -> bool:
        """Whether it hasn't ended."""
        return self._listening.is_alive()

    def kill(self) -> Stage:
        """Kill it and whatever it started; the stage in which it died, `done` where it was too late."""
        os.killpg(self._process.pid, signal.SIGKILL)
        error = self._end()
        # an end of its own is none that it was meant to survive
        assert self._process.returncode in (0, -signal.SIGKILL), error
        return self.stages[-1][0]

    def finish(self) -> None:
        """Wait until it has done everything."""
        error = self._end()
        assert self._process.returncode == 0, error

    def dismiss(self) -> None:
        """End it, whatever it is doing."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._end()

    def durations(self) -> dict[Stage, float]:
        """Seconds in each stage; where it was in one several times, the longest."""
        longest: dict[Stage, float] = {}
        for (stage, began), (_, ended) in zip(self.stages, self.stages[1:], strict=False):
            longest[stage] = max(longest.get(stage, 0), ended - began)
        return longest

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.endswith("\n"):  # the kill may cut the last one off
                stage, at = line.split()
                self.stages.append((stage, float(at)))  # type: ignore[arg-type]

    def _end(self) -> str:
        if self._listening.ident is not None:
            self._listening.join()
        assert self._process.stderr is not None
        error = self._process.stderr.read()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()
        return error


def work(order: Order) -> None:
    """All the steps, as a run does them."""
    settings, days = Settings.load(), dates(order.first, order.last)
    lake, clock = Lake(settings.lake), Clock(order.now) if order.now else utc_now
    if "land" in order.steps:
        with at_full_speed(), unpaced():
            for name in order.vendors:
                vendor = _telling(VENDORS[name](settings, Archive(settings.lake, name), clock))
                with alone(settings.data / "locks" / f"{name}.lock", f"another run that lands {name}"):
                    land_meetings(vendor, lake, days)
                    land_attendance(vendor, lake, days)
    if "load" in order.steps:
        _tell("load")
        with building(settings.build):
            load(lake, settings.build, TABLES)
    if "dbt" in order.steps:
        _tell("dbt")
        with building(settings.build):
            begin_build(settings.build)
            made_by = recipe(settings)
            if whole := needs_rebuild(settings.build, made_by):
                forget_build(settings.build)
            dbt_build(settings, whole)
            finish_build(settings.build, made_by)
    if "publish" in order.steps:
        _tell("publish")
        with building(settings.build):
            publish(settings.build, settings.warehouse)
    _tell("done")


def dbt_build(settings: Settings, whole: bool) -> None:
    """dbt's build in a process of its own."""
    folder = str(target(settings))
    arguments = [*BUILD, "--full-refresh"] if whole else BUILD
    subprocess.run(
        [DBT, *arguments, "--project-dir", DBT_PROJECT, "--profiles-dir", DBT_PROJECT, "--quiet"],
        check=True,
        env=os.environ | environment(settings) | {"DBT_TARGET_PATH": folder, "DBT_LOG_PATH": folder},
        stdout=sys.stderr,
    )


def _telling(vendor: Vendor[Any]) -> Vendor[Any]:
    """The vendor, telling when its answers are folded and when they are shaped; all else is its pull."""

    def entering(stage: Stage, then: Stage, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            _tell(stage)
            try:
                return method(*arguments)
            finally:
                _tell(then)

        return call

    vendor.archive.fold = entering("fold", "pull", vendor.archive.fold)  # type: ignore[method-assign]
    # what shaping gave is put into the lake next, which is part of it
    vendor.shape_listings = entering("shape", "shape", vendor.shape_listings)  # type: ignore[method-assign]
    vendor.shape_attendance = entering("shape", "shape", vendor.shape_attendance)  # type: ignore[method-assign]
    return vendor


def _tell(stage: Stage) -> None:
    print(stage, time.monotonic(), flush=True)


@dataclass
class Kill:
    """A kill: in which stage, and what had been asked about attendance by then."""

    stage: str
    asked: set[str]
    repeated: int = 0


class Killer:
    """Kills workers at random moments, and notes what they asked before and after.

    Args:
        environment: of the workers.
        asked: what the vendors were asked so far.
        dice: chooses the moments.
    """

    def __init__(self, environment: dict[str, str], asked: Callable[[], Sequence[Seen]], dice: random.Random) -> None:
        self.kills: list[Kill] = []
        self.survivors: list[Kill] = []
        self.typical: dict[Stage, float] = {}
        """Seconds that a stage lasts when nobody is killed."""
        self._environment = environment
        self._asked = asked
        self._dice = dice
        self._next = Worker(environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._next.dismiss()

    def kill(self, stage: Stage, order: Order, times: int = 1, when: Callable[[], bool] = lambda: True) -> Stage:
        """Let a worker begin and kill it at a random moment; where it died.

        Args:
            stage: in which it is to die.
            order: what it is to do.
            times: it has entered the stage so often before.
            when: and this holds.
        """
        moment = self._dice.random() * self.typical.get(stage, 0.5)
        with self.counting() as asked:
            worker = self._worker()
            worker.begin(order)
            worker.wait_for(stage, times)
            while worker.works() and not when():
                time.sleep(0.001)
            time.sleep(moment)
            died_in = worker.kill()
            time.sleep(0.25)  # what was on its way is noted
        # Who was done before the kill came isn't one, but what it asked mustn't be asked again either.
        (self.kills if died_in != "done" else self.survivors).append(Kill(died_in, asked))
        return died_in

    def finish(self, order: Order) -> None:
        """Let a worker do everything."""
        with self.counting():
            worker = self._worker()
            worker.begin(order)
            worker.finish()
        self.typical |= worker.durations()

    @contextmanager
    def counting(self) -> Iterator[set[str]]:
        """Collects what is asked about attendance meanwhile, and charges each kill with what is asked again."""
        before, asked = len(self._asked()), set[str]()
        yield asked
        asked |= attendance_asked(self._asked()[before:])
        for report in asked:
            for kill in (*reversed(self.kills), *self.survivors):
                if report in kill.asked:
                    kill.repeated += 1
                    break

    def _worker(self) -> Worker:
        worker, self._next = self._next, Worker(self._environment)
        return worker


def attendance_asked(seen: Sequence[Seen]) -> set[str]:
    """What was asked about attendance, page by page; of two ways to ask for the same, one."""
    return {
        f"{one.path.removesuffix('/attendanceRecords')} "
        f"{sorted(item for item in one.query.items() if item[0] != '$expand')}"
        for one in seen
        if ("/report/" in one.path and "participants" in one.path)
        or "meetingId" in one.query
        or "/attendanceReports/" in one.path
        or one.path.endswith(("/registrations", "/attendeeReport", "ecording"))
    }


@dataclass
class Watched:
    """What a reader of the published file saw.

    Attributes:
        opens: how often it opened a file that was there.
        absent: how often there was none yet.
        files: how many different files it opened.
        errors: whatever it should never see.
    """

    opens: int = 0
    absent: int = 0
    files: int = 0
    errors: list[str] = field(default_factory=list)


AGREEING = """
    select 'daily_utilization counts other meetings', (select count(*) from marts.meetings)
        <> (select coalesce(sum(meetings), 0) from marts.daily_utilization)
    union all
    select 'attendance_intervals holds other joins', (select coalesce(sum(join_count), 0) from marts.meetings)
        <> (select count(*) from marts.attendance_intervals where room <> 'waiting')
    union all
    select 'attendees attended for another time', (select coalesce(sum(attended_seconds), 0) from marts.meetings)
        <> (select coalesce(sum(attended_seconds), 0) from marts.attendees)
    union all
    select 'coverage lacks a meeting', exists (from marts.meetings anti join marts.coverage using (meeting_key))
    union all
    select 'an interval has no attendee', exists (
        from (from marts.attendance_intervals where room <> 'waiting')
        anti join marts.attendees using (meeting_key, attendee_key))
    union all
    select 'an attendee is nobody', exists (from marts.attendees anti join marts.people using (person_key))
"""
LOOKED = "looked"
"""What a reader tells once it has looked for the first time."""
MARTS = ("meetings", "attendance_intervals", "attendees", "people", "daily_utilization", "coverage")


def disagreements(published: duckdb.DuckDBPyConnection) -> list[str]:
    """What can't be so where every mart comes from the same build."""
    return [what for what, wrong in published.execute(AGREEING).fetchall() if wrong]


def content(published: duckdb.DuckDBPyConnection) -> list[Any]:
    """Every mart, every column, every block: its rows and a sum over their hashes."""
    return [
        published.execute(f"select count(*), sum(hash(t)::hugeint) from marts.{mart} as t").fetchone()  # noqa: S608
        for mart in MARTS
    ]


def watch(public: Path, keeps_for: float, over: Callable[[], bool]) -> Watched:
    """Open the published file again and again, read all of it, keep it open for so many seconds and read it again."""
    watched, files, last = Watched(), set[int](), False
    while not last:
        last = over()
        try:
            files.add(public.stat().st_ino)
            with duckdb.connect(str(public), read_only=True) as published:
                watched.opens += 1
                watched.errors += disagreements(published)
                first, until = content(published), time.monotonic() + keeps_for
                if watched.opens == 1:
                    print(LOOKED, flush=True)
                while not over() and time.monotonic() < until:
                    time.sleep(0.1)
                if content(published) != first:
                    watched.errors.append("an open file has changed")
        except FileNotFoundError:
            watched.absent += 1
            if watched.absent == 1:
                print(LOOKED, flush=True)
        except duckdb.Error as error:
            watched.errors.append(f"{type(error).__name__}: {str(error).splitlines()[0]}")
            if watched.opens <= 1:
                print(LOOKED, flush=True)
        time.sleep(0.02)
    watched.files = len(files)
    return watched


@contextmanager
def watching(public: Path) -> Iterator[list[Watched]]:
    """Meanwhile two readers watch the published file, one of which keeps it open; at the end, what they saw.

    Each looks before anything happens, and once more when everything has.
    """
    readers = [
        subprocess.Popen(
            [sys.executable, "-m", __name__, "watch", str(public), str(keeps_for)],
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for keeps_for in (0, 8)
    ]
    saw: list[Watched] = []
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == f"{LOOKED}\n"
    try:
        yield saw
    finally:
        for reader in readers:
            saw.append(Watched(**json.loads(reader.communicate("")[0].splitlines()[-1])))


def missing_and_surplus(held: Sequence[Any], wanted: Sequence[Any]) -> tuple[int, int]:
    """How many rows are lost, and how many are doubled or nobody's."""
    held_, wanted_ = Counter(map(repr, held)), Counter(map(repr, wanted))
    return (wanted_ - held_).total(), (held_ - wanted_).total()


def left_behind(data: Path) -> Counter[str]:
    """What killed processes were writing, by name without the number of the process."""
    names = (str(file.relative_to(data)) for file in data.rglob("*") if re.search(r"\.(tmp|partial)$", file.name))
    return Counter(re.sub(r"\.\d+\.tmp$", ".tmp", name) for name in names)


if __name__ == "__main__":
    if sys.argv[1] == "work":
        ordered = sys.stdin.readline()
        if ordered:
            work(Order.read(ordered))
    else:
        ended = Thread(target=sys.stdin.read, daemon=True)
        ended.start()
        print(json.dumps(asdict(watch(Path(sys.argv[2]), float(sys.argv[3]), lambda: not ended.is_alive()))))
