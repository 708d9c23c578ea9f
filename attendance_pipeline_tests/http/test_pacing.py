import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from attendance_pipeline.http.budget import DailyBudget
from attendance_pipeline.http.errors import QuotaError
from attendance_pipeline.http.pacing import Pacer, Rate, retry_after

NOW = datetime(2026, 3, 16, 15, 0, 0, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "today.json"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 7 ", 7),
        ("2.5", 2.5),
        ("0.063", 0.063),
        ("Mon, 16 Mar 2026 15:00:30 GMT", 30),
        ("Mon, 16 Mar 2026 16:00:30 +0100", 30),
        ("Mon, 16 Mar 2026 15:00:30 -0000", 30),
        ("Monday, 16-Mar-26 15:00:30 GMT", 30),
        ("2026-03-17T00:00:00Z", 9 * 3600),
        ("2026-03-16T15:00:00.250Z", 0.25),
        ("2026-03-16T16:01:00+01:00", 60),
        ("2026-03-16T15:01:00", 60),
        ("rand(30),add(30)", 60),
        ("rand(30), add(5)", 35),
    ],
)
def test_a_wait_is_read_in_every_form_vendors_send(value: str, seconds: float) -> None:
    assert retry_after(value, NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "   ",
        "soon",
        "-5",
        "1e3",
        "5 seconds",
        "0x10",
        "rand(30)",
        "rand(x),add(y)",
        "2026-13-45T00:00:00Z",
        "Mon, 99 Foo 2026 15:00:30 GMT",
        "Mon, 16 Mar 2026 14:59:59 GMT",
        "2026-03-16T15:00:00Z",
        "2025-01-01T00:00:00Z",
    ],
)
def test_nonsense_the_past_and_nothing_at_all_ask_for_no_wait(value: str | None) -> None:
    assert retry_after(value, NOW) is None


@given(
    st.one_of(
        st.text(max_size=30),
        st.from_regex(r"\d{1,40}(\.\d{1,40})?", fullmatch=True),
        st.from_regex(r"rand\(\d{1,40}\),add\(\d{1,40}\)", fullmatch=True),
    )
)
@example("9" * 30)
@example("1" * 400)
@example("rand(99999999999999999999),add(1)")
def test_no_header_whatever_it_holds_breaks_a_run(value: str) -> None:
    wait = retry_after(value, NOW)

    assert wait is None or wait >= timedelta(0)


def pacer(file: Path, limit: int | None = None, **per_second: float) -> Pacer:
    rates = {label: Rate(1, 1 / rate) for label, rate in per_second.items()}
    return Pacer(rates, DailyBudget(file, limit, reserve=0, clock=lambda: NOW), frozenset({"heavy"}))


async def departures(pacer: Pacer, *labels: str) -> dict[str, list[float]]:
    """When each request of these labels left, in seconds from now; all want to leave at once."""
    began = monotonic()
    left: dict[str, list[float]] = {label: [] for label in labels}

    async def leave(label: str) -> None:
        await pacer.turn(label)
        left[label].append(monotonic() - began)

    await asyncio.gather(*(leave(label) for label in labels))
    return left


def test_requests_of_one_label_leave_at_its_rate_evenly_spaced(file: Path) -> None:
    paced = pacer(file, heavy=50)

    left = asyncio.run(departures(paced, *["heavy"] * 11))["heavy"]

    assert all(at >= 0.02 * place - 0.002 for place, at in enumerate(left))
    assert left[-1] < 2
    assert paced.waited["pace"] == pytest.approx(0.02 * sum(range(11)), abs=0.1)


def test_a_pause_saves_up_no_burst(file: Path) -> None:
    paced = pacer(file, heavy=50)

    async def scenario() -> list[float]:
        await paced.turn("heavy")
        await asyncio.sleep(0.1)
        return (await departures(paced, *["heavy"] * 4))["heavy"]

    left = asyncio.run(scenario())

    assert left[-1] >= 0.058


def test_labels_are_paced_apart(file: Path) -> None:
    left = asyncio.run(departures(pacer(file, heavy=2, light=1_000), "heavy", *["light"] * 20))

    assert left["heavy"][0] < 0.1
    assert left["light"][-1] < 0.3


def test_told_to_wait_every_request_of_the_label_waits_and_no_other(file: Path) -> None:
    paced = pacer(file, heavy=1_000, light=1_000)

    async def scenario() -> dict[str, list[float]]:
        holding = asyncio.create_task(paced.hold("heavy", timedelta(seconds=0.2)))
        await asyncio.sleep(0)
        left = await departures(paced, "heavy", "light", "heavy")
        await holding
        return left

    left = asyncio.run(scenario())

    assert min(left["heavy"]) >= 0.19
    assert left["light"][0] < 0.1
    assert paced.waited["told"] == pytest.approx(0.2)


def test_a_shorter_wait_does_not_cut_a_longer_one_short(file: Path) -> None:
    paced = pacer(file, heavy=1_000)

    async def scenario() -> float:
        longer = asyncio.create_task(paced.hold("heavy", timedelta(seconds=0.2)))
        await asyncio.sleep(0)
        await paced.hold("heavy", timedelta(seconds=0.01))
        left = await departures(paced, "heavy")
        await longer
        return left["heavy"][0]

    assert asyncio.run(scenario()) >= 0.17


def test_only_the_labels_that_the_vendor_counts_cost_budget(file: Path) -> None:
    paced = pacer(file, limit=3, heavy=10_000, light=10_000)

    asyncio.run(departures(paced, "heavy", "light", "light", "heavy"))

    assert paced.budget.left == 1


def test_a_request_without_budget_does_not_wait_for_its_turn(file: Path) -> None:
    paced = pacer(file, limit=1, heavy=0.01)

    async def scenario() -> None:
        await paced.turn("heavy")
        async with asyncio.timeout(1):
            await paced.turn("heavy")

    with pytest.raises(QuotaError):
        asyncio.run(scenario())


def bursting(file: Path, requests: int, seconds: float) -> Pacer:
    return Pacer({"light": Rate(requests, seconds)}, DailyBudget(file, None, reserve=0, clock=lambda: NOW))


def within(left: list[float], rate: Rate) -> bool:
    """Whether no span of time holds more requests than the rate allows; timers are a little early or late."""
    ordered = sorted(left)
    spans = [later - earlier for earlier, later in zip(ordered, ordered[rate.requests :], strict=False)]
    return all(span >= rate.seconds - 0.005 for span in spans)


def test_as_many_as_a_span_allows_leave_at_once_and_the_others_when_it_has_passed(file: Path) -> None:
    paced = bursting(file, requests=5, seconds=0.2)

    left = asyncio.run(departures(paced, *["light"] * 12))["light"]

    assert left[4] < 0.15
    assert all(0.195 <= at < 0.35 for at in left[5:10])
    assert all(0.395 <= at < 0.55 for at in left[10:])
    assert paced.waited["pace"] == pytest.approx(5 * 0.2 + 2 * 0.4, abs=0.1)


def test_the_span_slides_along_with_each_request(file: Path) -> None:
    """It isn't a period that begins anew: then twice as many could leave around its turn."""
    paced = bursting(file, requests=3, seconds=0.3)

    async def scenario() -> list[float]:
        began = monotonic()
        left = []
        for _ in range(2):
            await paced.turn("light")
            left.append(monotonic() - began)
            await asyncio.sleep(0.1)
        return left + [0.2 + at for at in (await departures(paced, *["light"] * 4))["light"]]

    left = asyncio.run(scenario())

    assert within(left, Rate(3, 0.3))
    assert left[2] < 0.29
    assert left[3] >= 0.295
    assert left[4] >= 0.395


def test_a_pause_as_long_as_the_span_allows_a_whole_burst_and_no_more(file: Path) -> None:
    paced = bursting(file, requests=4, seconds=0.1)

    async def scenario() -> list[float]:
        await departures(paced, *["light"] * 4)
        await asyncio.sleep(0.35)
        return (await departures(paced, *["light"] * 6))["light"]

    left = asyncio.run(scenario())

    assert left[3] < 0.05
    assert left[4] >= 0.095


def test_after_a_wait_that_a_vendor_asked_for_no_more_leave_at_once_than_ever(file: Path) -> None:
    paced = bursting(file, requests=3, seconds=0.1)

    async def scenario() -> list[float]:
        holding = asyncio.create_task(paced.hold("light", timedelta(seconds=0.15)))
        await asyncio.sleep(0)
        left = await departures(paced, *["light"] * 5)
        await holding
        return left["light"]

    left = asyncio.run(scenario())

    assert left[0] >= 0.145
    assert left[3] >= 0.245
    assert within(left, Rate(3, 0.1))


class Timeless(asyncio.SelectorEventLoop):
    """A loop in which waiting takes no time, and no busy machine adds any."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:
            self._now = max(self._now, self._scheduled[0].when())
        super()._run_once()


@settings(max_examples=60, deadline=None)
@given(
    requests=st.integers(1, 6),
    seconds=st.floats(0.02, 0.06),
    pauses=st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.005, 0.03, 0.07]), min_size=1, max_size=14),
)
def test_no_span_of_time_whenever_it_begins_holds_more_requests_than_the_rate(
    tmp_path_factory: pytest.TempPathFactory, requests: int, seconds: float, pauses: list[float]
) -> None:
    paced = bursting(tmp_path_factory.mktemp("state") / "today.json", requests, seconds)

    async def scenario() -> list[float]:
        left: list[float] = []

        async def leave() -> None:
            await paced.turn("light")
            left.append(asyncio.get_running_loop().time())

        async with asyncio.TaskGroup() as group:
            for pause in pauses:
                group.create_task(leave())
                await asyncio.sleep(pause)
        return left

    with asyncio.Runner(loop_factory=Timeless) as runner, pytest.MonkeyPatch.context() as patch:
        patch.setattr("attendance_pipeline.http.pacing.monotonic", runner.get_loop().time)
        left = runner.run(scenario())

    assert len(left) == len(pauses)
    assert within(left, Rate(requests, seconds))


def test_a_label_without_a_rate_is_a_mistake_of_ours(file: Path) -> None:
    with pytest.raises(KeyError):
        asyncio.run(bursting(file, 1, 1.0).turn("heavy"))
