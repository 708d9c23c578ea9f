"""Killed in every stage, at random moments: one ordinary run reaches the truth, no reader notices. Two runs at once.

Kills in the pull stand beside each vendor's landing, a hundred of all kinds in benchmarks/kills.py.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from attendance_pipeline.definitions import definitions
from attendance_pipeline.defs.schedules import range_tags
from attendance_pipeline.errors import StorageError
from attendance_pipeline.http.session import IN_FLIGHT
from attendance_pipeline.sandbox import Sandbox, TeamsOptions, Truth, WebexOptions, ZoomOptions
from attendance_pipeline.sandbox.model import Size
from attendance_pipeline.warehouse import publish

from .console import agree, pointed_at
from .crashing import Killer, Order, Stage, Watched, watching
from .test_files import another_process

NOW = datetime(2026, 3, 19, 15, 0, tzinfo=UTC)
"""Everything that ended on the days has been reported, and that has settled."""
FIRST, LAST = date(2026, 3, 4), date(2026, 3, 5)
TINY = Size(employees=10, meetings_per_weekday=12, median_attendees=3.0, crowd=12, webinar_audience=4)
LAND = Order(FIRST, LAST, steps=("land",), now=NOW)
EVERYTHING = Order(FIRST, LAST, now=NOW)


@dataclass
class Survived:
    """A data folder after all the kills and one ordinary run.

    Attributes:
        refusal: why a build that was killed isn't published.
        too_early: whether there was a published file before a build had finished.
        saw: what readers saw while publishing was killed.
    """

    data: Path
    truth: Truth
    killer: Killer
    refusal: str
    too_early: bool
    saw: list[Watched]


@pytest.fixture(scope="module")
def survived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Survived]:
    data = tmp_path_factory.mktemp("survived")
    build, public, wal = data / "build.duckdb", data / "attendance.duckdb", data / "build.duckdb.wal"
    with (
        Sandbox(
            size=TINY,
            clock=lambda: NOW,
            zoom=ZoomOptions(plan="business", rate_limits=False),
            webex=WebexOptions(rate_limits=False),
            teams=TeamsOptions(rate_limits=False),
        ) as sandbox,
        Killer(pointed_at(sandbox, data), lambda: sandbox.requests, random.Random(7)) as killer,  # noqa: S311
    ):
        killer.typical |= {"shape": 0.05, "load": 0.1, "dbt": 1.5}
        # Each shaping is told twice, the second time before the partitions are replaced: here Teams' last.
        insist(killer, "shape", LAND, times=12)
        insist(killer, "load", Order(FIRST, LAST, steps=("land", "load"), now=NOW))
        insist(killer, "dbt", Order(FIRST, LAST, steps=("load", "dbt"), now=NOW), when=wal.exists)
        with pytest.raises(StorageError) as refused:
            publish(build, public)
        too_early = public.exists()
        killer.finish(EVERYTHING)
        with watching(public) as saw:
            for _ in range(2):
                insist(killer, "publish", Order(FIRST, LAST, steps=("publish",), now=NOW))
        yield Survived(data, sandbox.truth(FIRST, LAST), killer, str(refused.value), too_early, saw)


def insist(
    killer: Killer, stage: Stage, order: Order, times: int = 1, when: Callable[[], bool] = lambda: True
) -> None:
    """Kill until it died in this very stage, each time a little earlier."""
    for _ in range(10):
        if killer.kill(stage, order, times, when) == stage:
            return
        killer.typical[stage] *= 0.7
    pytest.fail(f"it never died in {stage}")


def test_one_ordinary_run_after_all_the_kills_reaches_the_truth(survived: Survived) -> None:
    agree(survived.data, survived.truth)

    died = Counter(kill.stage for kill in survived.killer.kills)
    assert died.keys() >= {"shape", "load", "dbt", "publish"}


def test_what_was_answered_before_a_kill_is_not_asked_for_again(survived: Survived) -> None:
    kills = [*survived.killer.kills, *survived.killer.survivors]

    # who died in shaping had read every meeting, or somebody before had
    assert len(set[str]().union(*(kill.asked for kill in kills))) >= len(survived.truth.meetings) > 0
    assert [kill.stage for kill in kills if kill.stage != "pull" and kill.repeated] == []
    assert all(kill.repeated <= IN_FLIGHT for kill in kills)


def test_a_build_that_was_killed_is_not_published(survived: Survived) -> None:
    assert "was killed; the published file stays as it was" in survived.refusal
    assert not survived.too_early


def test_readers_of_the_published_file_notice_no_kill(survived: Survived) -> None:
    opening, keeping = survived.saw

    assert opening.errors + keeping.errors == []
    assert opening.opens > 2
    assert keeping.opens > 1


@pytest.mark.parametrize(("job", "lock"), [("land_zoom", "zoom"), ("warehouse", "warehouse")])
def test_a_second_run_through_dagster_is_refused_and_told_which_process_is_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, job: str, lock: str
) -> None:
    monkeypatch.setenv("ATTENDANCE_DATA", str(tmp_path))
    for name in ("ZOOM_ACCOUNT_ID", "ZOOM_CLIENT_ID", "ZOOM_CLIENT_SECRET"):
        monkeypatch.setenv(name, "made up")
    tags = range_tags(FIRST, LAST) if lock == "zoom" else {}

    with (
        another_process(tmp_path / "locks" / f"{lock}.lock") as process,
        pytest.raises(dg.Failure, match=rf"another .*{lock}.* is at work on .* \(process {process.pid}\)"),
    ):
        definitions().resolve_job_def(job).execute_in_process(tags=tags)

    assert not (tmp_path / "lake").exists()
    assert not (tmp_path / "build.duckdb").exists()
