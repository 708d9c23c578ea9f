from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from attendance_pipeline.errors import StorageError
from attendance_pipeline.http.budget import CLAIM, DailyBudget
from attendance_pipeline.http.errors import QuotaError

NOW = datetime(2026, 3, 16, 15, 0, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "today.json"


def spend(budget: DailyBudget, times: int) -> None:
    for _ in range(times):
        budget.spend()


def test_a_budget_counts_down_to_the_reserve_and_no_further(file: Path, clock: Clock) -> None:
    budget = DailyBudget(file, limit=10, reserve=3, clock=clock)
    assert budget.left == 7

    spend(budget, 7)

    assert budget.left == 0
    with pytest.raises(QuotaError, match=r"go on after 2026-03-17 00:00 UTC") as stopped:
        budget.spend()
    assert stopped.value.resumes_at == datetime(2026, 3, 17, tzinfo=UTC)
    assert "7 of 10 requests" in str(stopped.value)


def test_the_count_goes_on_in_the_next_run(file: Path, clock: Clock) -> None:
    first = DailyBudget(file, limit=100, reserve=10, clock=clock)
    spend(first, 5)
    first.close()

    second = DailyBudget(file, limit=100, reserve=10, clock=clock)
    assert second.left == 85
    spend(second, 2)
    second.close()

    assert DailyBudget(file, limit=100, reserve=10, clock=clock).left == 83


def test_a_killed_run_takes_along_fewer_requests_than_are_claimed_at_a_time(file: Path, clock: Clock) -> None:
    spend(DailyBudget(file, limit=1_000, reserve=0, clock=clock), 2 * CLAIM + 1)

    assert DailyBudget(file, limit=1_000, reserve=0, clock=clock).left == 1_000 - 3 * CLAIM


def test_processes_at_the_same_time_share_the_day(file: Path, clock: Clock) -> None:
    one, other = (DailyBudget(file, limit=50, reserve=5, clock=clock) for _ in range(2))
    spent = 0
    for budget in (one, other):
        with suppress(QuotaError):
            for _ in range(CLAIM + 1):
                budget.spend()
                spent += 1

    assert spent == CLAIM + 1 + 5
    one.close()
    assert DailyBudget(file, limit=50, reserve=5, clock=clock).left == 45 - spent


def test_a_new_utc_day_begins_with_the_whole_budget(file: Path, clock: Clock) -> None:
    clock.now = datetime(2026, 3, 16, 23, 59, 59, tzinfo=UTC)
    budget = DailyBudget(file, limit=10, reserve=3, clock=clock)
    spend(budget, 7)
    with pytest.raises(QuotaError):
        budget.spend()
    budget.close()

    clock.now = datetime(2026, 3, 17, 0, 0, 0, tzinfo=UTC)
    budget.spend()

    assert budget.left == 6
    budget.close()
    assert DailyBudget(file, limit=10, reserve=3, clock=clock).left == 6


def test_what_the_vendor_calls_spent_is_spent_for_the_next_run_too(file: Path, clock: Clock) -> None:
    budget = DailyBudget(file, limit=100, reserve=10, clock=clock)
    budget.spend()

    budget.exhaust()

    assert budget.left == 0
    assert DailyBudget(file, limit=100, reserve=10, clock=clock).left == 0
    clock.now += timedelta(days=1)
    assert DailyBudget(file, limit=100, reserve=10, clock=clock).left == 90


def test_a_vendor_that_counts_no_days_is_never_spent_and_writes_no_file(file: Path, clock: Clock) -> None:
    budget = DailyBudget(file, limit=None, reserve=5, clock=clock)

    spend(budget, 3 * CLAIM)
    budget.exhaust()
    budget.close()
    budget.spend()

    assert budget.left is None
    assert not file.exists()


def test_a_reserve_larger_than_the_limit_leaves_nothing(file: Path, clock: Clock) -> None:
    budget = DailyBudget(file, limit=5, reserve=8, clock=clock)

    assert budget.left == 0
    with pytest.raises(QuotaError):
        budget.spend()


def test_the_vendors_word_on_when_it_answers_again_is_passed_on(file: Path, clock: Clock) -> None:
    resumes_at = datetime(2026, 3, 16, 18, 30, tzinfo=UTC)

    error = DailyBudget(file, limit=10, reserve=0, clock=clock).spent_up(resumes_at)

    assert error.resumes_at == resumes_at
    assert "2026-03-16 18:30 UTC" in str(error)


@pytest.mark.parametrize(
    "content", [b"", b'{"day": "2026-03-', b"\0\0\0\0", b"[]", b'{"day": "2026-03-16"}', b'{"day": 3, "spent": "x"}']
)
def test_a_count_that_a_power_cut_spoiled_begins_anew(file: Path, clock: Clock, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)

    assert DailyBudget(file, limit=10, reserve=3, clock=clock).left == 7


def test_a_count_that_cannot_be_written_is_a_storage_error_that_names_the_file(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "state").write_text("a file stands here")
    budget = DailyBudget(tmp_path / "state" / "today.json", limit=10, reserve=3, clock=clock)

    with pytest.raises(StorageError, match="today.json"):
        budget.spend()
