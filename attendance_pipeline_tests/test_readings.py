"""When a meeting is read, when it is read again, when never more, and what the table `readings` says of it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance_pipeline.archive import Outcome
from attendance_pipeline.readings import (
    MOST_ATTEMPTS,
    Count,
    Held,
    Meeting,
    Readings,
    Timing,
    held,
    reading_rows,
    readings_table,
)

ENDED = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
MEETING = Meeting("abc==", ENDED, vendor_count=3)
TIMING = Timing(
    first_read=timedelta(minutes=30),
    settles=timedelta(hours=24),
    listed=timedelta(days=180),
    recoverable=timedelta(days=365),
    page_token=timedelta(minutes=15),
)
HALF_AN_HOUR, A_DAY = TIMING.first_read, TIMING.settles


def head(
    after: timedelta,
    outcome: Outcome = "answered",
    *,
    page: int = 1,
    last: bool = True,
    reading: str = "r1",
    subject: str = "abc==",
    kind: str = "participants",
    reason: str = "",
) -> dict[str, Any]:
    """What the archive says of one document that came this long after the meeting's end."""
    return {
        "subject": subject,
        "reading": reading,
        "kind": kind,
        "page": page,
        "last": last,
        "next_token": "" if last else f"token-{page}",
        "outcome": outcome,
        "reason": reason,
        "fetched_at": ENDED + after,
    }


def holding(*heads: dict[str, Any]) -> Held:
    return held(heads, {}).get((MEETING.id, "participants"), Held())


def due(hold: Held, after: timedelta) -> bool:
    return hold.due(MEETING, TIMING, ENDED + after)


def row(hold: Held, count: Count | None = None, meeting: Meeting = MEETING) -> dict[str, Any]:
    """The meeting's row in `readings`."""
    key = (meeting.id, "participants")
    counts = {} if count is None else {key: count}
    found: list[dict[str, Any]] = reading_rows([meeting], ["participants"], {key: hold}, counts, TIMING).to_pylist()
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(("after", "expected"), [(timedelta(minutes=29, seconds=59), False), (HALF_AN_HOUR, True)])
def test_the_first_reading_is_due_half_an_hour_after_the_end(after: timedelta, expected: bool) -> None:
    assert due(Held(), after) is expected


def test_the_second_is_due_when_the_report_has_settled_and_then_none() -> None:
    once = holding(head(HALF_AN_HOUR))
    assert not due(once, timedelta(minutes=31))
    assert not due(once, timedelta(hours=23, minutes=59))
    assert due(once, A_DAY)

    twice = holding(head(HALF_AN_HOUR), head(A_DAY, reading="r2"))
    assert twice.settled(MEETING, TIMING)
    assert not due(twice, A_DAY)
    assert not due(twice, timedelta(days=300))


def test_a_first_reading_that_came_late_is_the_only_one() -> None:
    assert not due(holding(head(timedelta(days=90))), timedelta(days=91))


def test_a_reading_settles_by_when_it_began() -> None:
    """Its first page may have been true of an unfinished report."""
    spanning = holding(head(A_DAY - timedelta(minutes=1), last=False), head(A_DAY + timedelta(minutes=1), page=2))

    assert spanning.read_at == ENDED + A_DAY - timedelta(minutes=1)
    assert not spanning.settled(MEETING, TIMING)
    assert due(spanning, A_DAY + timedelta(minutes=2))


def test_not_ready_is_tried_again_each_time_the_age_has_doubled() -> None:
    minutes: list[int] = []
    heads: list[dict[str, Any]] = []
    for minute in range(30, 60 * 24 * 30):
        after = timedelta(minutes=minute)
        if due(holding(*heads), after):
            minutes.append(minute)
            heads.append(head(after, "not_ready"))

    assert minutes == [30 * 2**attempt for attempt in range(MOST_ATTEMPTS)]
    assert not due(holding(*heads), timedelta(days=364))


@pytest.mark.parametrize("outcome", ["not_ready", "denied", "blocked"])
@given(hours=st.lists(st.integers(1, 400), min_size=1, max_size=60))
def test_no_meeting_is_tried_more_often_than_the_bound(outcome: Outcome, hours: list[int]) -> None:
    """Whenever runs take place, and however many."""
    heads: list[dict[str, Any]] = []
    now = timedelta()
    for pause in hours:
        now += timedelta(hours=pause)
        if due(holding(*heads), now):
            heads.append(head(now, outcome))

    assert 1 <= len(heads) <= MOST_ATTEMPTS


def test_what_is_gone_is_never_asked_for_again() -> None:
    gone = holding(head(timedelta(days=366), "gone"))

    assert gone.settled(MEETING, TIMING)
    assert not due(gone, timedelta(days=400))


def test_attendance_that_came_at_last_ends_the_attempts() -> None:
    found = holding(
        head(HALF_AN_HOUR, "not_ready", reading="r1"),
        head(timedelta(hours=1), "not_ready", reading="r2"),
        head(timedelta(hours=2), reading="r3"),
    )

    assert (found.attempts, found.complete, found.outcome) == (0, "r3", "answered")
    assert not due(found, timedelta(hours=23))
    assert due(found, A_DAY)


def test_a_second_reading_that_fails_keeps_the_first_and_is_tried_again() -> None:
    failed = holding(head(HALF_AN_HOUR), head(A_DAY, "not_ready", reading="r2"))

    assert failed.complete == "r1"
    assert not due(failed, timedelta(hours=47))
    assert due(failed, timedelta(hours=48))
    assert row(failed, Count(rows=3, counted=3))["status"] == "complete"


@given(pauses=st.lists(st.integers(5, 600), min_size=1, max_size=120))
def test_a_report_that_is_there_is_read_twice_at_most(pauses: list[int]) -> None:
    heads: list[dict[str, Any]] = []
    now = timedelta()
    for pause in pauses:
        now += timedelta(minutes=pause)
        if due(holding(*heads), now):
            heads.append(head(now, reading=f"r{len(heads)}"))

    assert len(heads) == (now >= HALF_AN_HOUR) + (now >= A_DAY and heads[0]["fetched_at"] < ENDED + A_DAY)


def test_an_open_reading_is_resumed_while_its_page_token_lives() -> None:
    left = holding(head(HALF_AN_HOUR, last=False), head(timedelta(minutes=31), page=2, last=False))

    for minutes, resumed in ((0, True), (13, True), (15, False), (600, False)):
        now = ENDED + timedelta(minutes=31 + minutes)
        assert due(left, timedelta(minutes=31 + minutes))
        found = left.resumable(TIMING, now)
        assert (found is not None) is resumed
        if found is not None:
            assert (found.reading, found.page, found.next_token) == ("r1", 2, "token-2")


def test_a_reading_that_was_completed_or_has_failed_is_not_open() -> None:
    begun = head(HALF_AN_HOUR, last=False)
    now = ENDED + timedelta(minutes=32)

    assert holding(begun, head(timedelta(minutes=31), page=2)).resumable(TIMING, now) is None
    assert holding(begun, head(timedelta(minutes=31), "not_ready")).resumable(TIMING, now) is None


def test_a_killed_second_reading_leaves_the_first_in_force() -> None:
    left = holding(head(HALF_AN_HOUR), head(A_DAY, last=False, reading="r2"))

    assert left.complete == "r1"
    assert due(left, A_DAY + timedelta(minutes=5))
    resumed = left.resumable(TIMING, ENDED + A_DAY + timedelta(minutes=5))
    assert resumed is not None
    assert resumed.reading == "r2"


def test_documents_are_told_apart_by_their_meeting() -> None:
    holds = held([head(HALF_AN_HOUR), head(HALF_AN_HOUR, "denied", subject="xyz==")], {})

    assert {key: hold.complete for key, hold in holds.items()} == {
        ("abc==", "participants"): "r1",
        ("xyz==", "participants"): None,
    }


def test_a_meeting_of_which_everything_is_held_is_complete() -> None:
    assert row(holding(head(A_DAY)), Count(reported=3, rows=3, counted=3, document_id="d1")) == {
        "meeting_id": "abc==",
        "report": "participants",
        "status": "complete",
        "reason": None,
        "vendor_count": 3,
        "rows_held": 3,
        "rows_quarantined": 0,
        "attempts": 0,
        "read_at": ENDED + A_DAY,
        "settled": True,
        "due_at": None,
        "recoverable_until": ENDED + timedelta(days=365),
        "document_id": "d1",
    }


@pytest.mark.parametrize(
    ("listed", "count", "status", "reason"),
    [
        # the list says one thing, the report another: the larger number counts
        (3, Count(reported=5, rows=3, counted=3), "partial", "2 of 5 not held, 0 rows in quarantine"),
        (5, Count(reported=3, rows=3, counted=3), "partial", "2 of 5 not held, 0 rows in quarantine"),
        (3, Count(reported=3, rows=2, counted=2, quarantined=1), "partial", "1 of 3 not held, 1 rows in quarantine"),
        # a row that came twice was sent, and is held
        (3, Count(reported=3, rows=2, counted=3), "complete", None),
        # the vendor counts people, who have several rows each
        (3, Count(reported=3, rows=9, counted=2), "partial", "1 of 3 not held, 0 rows in quarantine"),
        # nothing is missing, but a row couldn't be kept
        (3, Count(reported=3, rows=4, counted=3, quarantined=2), "partial", "2 rows in quarantine"),
        # more than was announced
        (2, Count(reported=None, rows=3, counted=3), "complete", None),
        # nobody counted
        (None, Count(reported=None, rows=3, counted=3), "complete", None),
        (None, Count(reported=None, rows=0), "complete", None),
        (None, Count(reported=None, rows=3, counted=3, quarantined=1), "partial", "1 rows in quarantine"),
        # what is missing is said before what isn't filled in, and that last of all
        (3, Count(rows=2, counted=2, unsettled=2), "partial", "1 of 3 not held, 0 rows in quarantine"),
        (3, Count(rows=3, counted=3, unsettled=2, quarantined=1), "partial", "1 rows in quarantine"),
        (3, Count(rows=3, counted=3, unsettled=2), "partial", "2 rows whose times the vendor hasn't filled in yet"),
        # a waived row isn't missing; what else is missing still is
        (3, Count(rows=2, counted=2, waived=1), "complete", "1 rows waived"),
        (4, Count(rows=2, counted=2, waived=1), "partial", "1 of 4 not held, 0 rows in quarantine, 1 rows waived"),
        (4, Count(rows=2, counted=2, quarantined=1, waived=2), "partial", "1 rows in quarantine, 2 rows waived"),
        # a waived page stands for nobody knows how many rows
        (
            9,
            Count(rows=2, counted=2, waived=1, excuses_all=True),
            "complete",
            "1 rows waived, with which 7 of 9 aren't held",
        ),
        (3, Count(rows=2, counted=2, waived=1, excuses_all=True), "complete", "1 rows waived"),
        (
            3,
            Count(counted=3, waived=1, quarantined=1, excuses_all=True),
            "partial",
            "1 rows in quarantine, 1 rows waived",
        ),
    ],
)
def test_a_reading_is_complete_when_as_much_is_held_as_the_vendor_counts_and_nothing_is_amiss(
    listed: int | None, count: Count, status: str, reason: str | None
) -> None:
    found = row(holding(head(A_DAY)), count, replace(MEETING, vendor_count=listed))

    assert (found["status"], found["reason"]) == (status, reason)


def test_a_reading_without_its_last_page_is_partial() -> None:
    left = holding(head(HALF_AN_HOUR, last=False), head(HALF_AN_HOUR, page=2, last=False))

    found = row(left, Count(reported=900, rows=600, counted=600, document_id="d1"))

    assert (found["status"], found["reason"]) == ("partial", "only the first 2 pages were read")
    assert (found["rows_held"], found["vendor_count"], found["read_at"], found["settled"]) == (600, 900, None, False)


@pytest.mark.parametrize("outcome", ["not_ready", "denied", "blocked", "gone"])
def test_a_meeting_that_could_not_be_read_says_why_and_how_often_it_was_tried(outcome: Outcome) -> None:
    found = row(
        holding(
            head(HALF_AN_HOUR, "not_ready", reading="r1", reason="404/3001"),
            head(timedelta(hours=1), outcome, reading="r2", reason="so it is"),
        )
    )

    assert (found["status"], found["reason"], found["attempts"]) == (outcome, "so it is, tried 2 times", 2)
    assert (found["read_at"], found["rows_held"], found["document_id"]) == (None, 0, None)
    assert found["settled"] is (outcome == "gone")


def test_a_meeting_that_was_never_read_has_a_row_too() -> None:
    table = reading_rows([MEETING, replace(MEETING, id="A==", vendor_count=None)], ["participants"], {}, {}, TIMING)

    assert [(found["meeting_id"], found["status"], found["reason"]) for found in table.to_pylist()] == [
        ("A==", "not_ready", "not read yet"),
        ("abc==", "not_ready", "not read yet"),
    ]
    assert table["vendor_count"].to_pylist() == [None, 3]
    assert table["attempts"].to_pylist() == [0, 0]


def test_the_rows_keep_the_tables_own_rules() -> None:
    holds = [Held(), holding(head(A_DAY)), holding(head(A_DAY, last=False)), holding(head(A_DAY, "gone"))]
    meetings = [replace(MEETING, id=f"{number}==") for number in range(len(holds))]

    table = reading_rows(
        meetings,
        ["participants"],
        {(m.id, "participants"): hold for m, hold in zip(meetings, holds, strict=True)},
        {},
        TIMING,
    )

    assert table.schema.equals(readings_table("zoom").schema, check_metadata=True)
    assert Readings.validate(pl.DataFrame(table)).height == len(holds)


def test_an_answer_whose_times_are_not_filled_in_is_held_but_never_settled() -> None:
    early = holding(head(A_DAY, "unsettled"))

    assert (early.complete, early.read_at, early.unsettled) == ("r1", ENDED + A_DAY, True)
    assert (early.attempts, early.last_attempt, early.outcome) == (1, ENDED + A_DAY, "answered")
    assert not early.settled(MEETING, TIMING)
    assert not due(early, timedelta(hours=47, minutes=59))
    assert due(early, timedelta(hours=48))


def test_one_page_without_times_leaves_its_whole_reading_unsettled() -> None:
    pages = [
        head(A_DAY, last=False),
        head(A_DAY, "unsettled", page=2, last=False),
        head(A_DAY, page=3),
    ]

    unsettled = holding(*pages)

    assert (unsettled.complete, unsettled.unsettled, unsettled.attempts) == ("r1", True, 1)
    assert not unsettled.settled(MEETING, TIMING)
    # until its last page has come it is an unfinished reading like any other
    unfinished = holding(*pages[:2])
    assert (unfinished.complete, unfinished.unsettled, unfinished.attempts) == (None, False, 0)
    resumed = unfinished.resumable(TIMING, ENDED + A_DAY)
    assert resumed is not None
    assert (resumed.page, resumed.next_token) == (2, "token-2")


def test_times_that_were_filled_in_at_last_end_the_attempts() -> None:
    filled = holding(head(A_DAY, "unsettled"), head(2 * A_DAY, reading="r2"))

    assert (filled.complete, filled.unsettled, filled.attempts, filled.last_attempt) == ("r2", False, 0, None)
    assert filled.settled(MEETING, TIMING)
    assert not due(filled, timedelta(days=300))


def test_times_that_were_filled_in_before_the_report_settles_are_read_once_more() -> None:
    filled = holding(head(HALF_AN_HOUR, "unsettled"), head(timedelta(hours=1), reading="r2"))

    assert not due(filled, timedelta(hours=23))
    assert due(filled, A_DAY)


def test_a_reading_without_times_counts_beside_one_that_failed() -> None:
    """And keeps counting: the one that failed brought nothing better."""
    failed = holding(head(HALF_AN_HOUR, "unsettled"), head(timedelta(hours=1), "not_ready", reading="r2"))

    assert (failed.complete, failed.unsettled, failed.attempts) == ("r1", True, 2)
    assert not due(failed, timedelta(hours=1, minutes=59))
    assert due(failed, timedelta(hours=2))


def test_times_that_are_never_filled_in_are_asked_for_a_bounded_number_of_times() -> None:
    minutes: list[int] = []
    heads: list[dict[str, Any]] = []
    for minute in range(30, 60 * 24 * 30):
        after = timedelta(minutes=minute)
        if due(holding(*heads), after):
            minutes.append(minute)
            heads.append(head(after, "unsettled", reading=f"r{minute}"))

    assert minutes == [30 * 2**attempt for attempt in range(MOST_ATTEMPTS)]
    assert not due(holding(*heads), timedelta(days=364))
    assert not holding(*heads).settled(MEETING, TIMING)


@given(
    hours=st.lists(st.integers(1, 400), min_size=1, max_size=60),
    outcomes=st.lists(st.sampled_from(["unsettled", "not_ready", "denied"]), min_size=60, max_size=60),
)
def test_whatever_keeps_a_report_from_settling_its_attempts_are_bounded(
    hours: list[int], outcomes: list[Outcome]
) -> None:
    heads: list[dict[str, Any]] = []
    now = timedelta()
    for pause in hours:
        now += timedelta(hours=pause)
        if due(holding(*heads), now):
            heads.append(head(now, outcomes[len(heads)], reading=f"r{len(heads)}"))

    assert 1 <= len(heads) <= MOST_ATTEMPTS


def test_reports_about_one_meeting_are_held_apart() -> None:
    holds = held(
        [
            head(HALF_AN_HOUR, kind="attendees", reading="a1", last=False),
            head(HALF_AN_HOUR, kind="participants", reading="p1"),
            head(HALF_AN_HOUR, "denied", kind="attendees", reading="a2"),
        ],
        {},
    )

    attendees, participants = (holds[MEETING.id, report] for report in ("attendees", "participants"))
    assert (attendees.complete, attendees.outcome, attendees.attempts, attendees.pages) == (None, "denied", 1, 1)
    assert (participants.complete, participants.outcome, participants.attempts) == ("p1", "answered", 0)
    assert due(attendees, timedelta(hours=1))
    assert not due(participants, timedelta(hours=1))


def test_a_kind_that_stands_in_for_a_report_is_held_under_its_name() -> None:
    heads = [head(HALF_AN_HOUR, "not_ready"), head(timedelta(hours=1), kind="meeting_detail", reading="r2")]

    assert held(heads, {"meeting_detail": "participants"}).keys() == {(MEETING.id, "participants")}
    assert held(heads, {"meeting_detail": "participants"})[MEETING.id, "participants"].complete == "r2"


def test_every_meeting_has_a_row_of_every_report_in_the_order_of_their_names() -> None:
    other = replace(MEETING, id="A==", vendor_count=1)
    holds = held(
        [
            head(A_DAY, kind="participants", reading="p1"),
            head(A_DAY, "denied", kind="attendees", reason="403"),
            head(A_DAY, kind="attendees", subject="A=="),
        ],
        {},
    )
    counts = {
        (MEETING.id, "participants"): Count(rows=7, counted=3, document_id="d1"),
        ("A==", "attendees"): Count(rows=1, counted=1, document_id="d2"),
    }

    table = reading_rows([MEETING, other], ["participants", "attendees"], holds, counts, TIMING)

    assert [
        tuple(found[name] for name in ("meeting_id", "report", "status", "rows_held", "document_id", "settled"))
        for found in table.to_pylist()
    ] == [
        ("A==", "attendees", "complete", 1, "d2", True),
        ("A==", "participants", "not_ready", 0, None, False),
        ("abc==", "attendees", "denied", 0, None, False),
        ("abc==", "participants", "complete", 7, "d1", True),
    ]
    assert readings_table("webex").key == ("meeting_id", "report")


@dataclass(frozen=True)
class OfItsOwn(Meeting):
    """A meeting that has people, and of which everything else is something else than people."""

    def has(self, report: str) -> bool:
        return report != "registrations" or self.id.startswith("webinar")

    def expected(self, report: str) -> int | None:
        return self.vendor_count if report == "participants" else None


def test_a_report_that_a_meeting_does_not_have_has_no_row() -> None:
    meetings = [OfItsOwn("webinar", ENDED, 3), OfItsOwn("abc", ENDED, 3)]

    table = reading_rows(meetings, ["registrations", "participants"], {}, {}, TIMING)

    assert [(found["meeting_id"], found["report"]) for found in table.to_pylist()] == [
        ("abc", "participants"),
        ("webinar", "participants"),
        ("webinar", "registrations"),
    ]


def test_a_meetings_count_of_people_is_expected_only_where_people_are_counted() -> None:
    meeting = OfItsOwn("webinar", ENDED, 3)
    reports = ("participants", "registrations")
    holds = held([head(A_DAY, kind=report, subject="webinar", reading=report) for report in reports], {})
    counts = {("webinar", report): Count(rows=1, counted=1) for report in reports}

    rows = reading_rows([meeting], reports, holds, counts, TIMING).to_pylist()

    assert {found["report"]: (found["vendor_count"], found["status"]) for found in rows} == {
        "participants": (3, "partial"),
        "registrations": (None, "complete"),
    }


def test_what_a_report_counts_itself_is_expected_where_a_meeting_says_nothing() -> None:
    counts = {("webinar", "registrations"): Count(reported=2, rows=1, counted=1)}
    holds = held([head(A_DAY, kind="registrations", subject="webinar")], {})

    (found,) = reading_rows([OfItsOwn("webinar", ENDED, 3)], ["registrations"], holds, counts, TIMING).to_pylist()

    assert (found["vendor_count"], found["reason"]) == (2, "1 of 2 not held, 0 rows in quarantine")


def test_every_meeting_has_every_report_and_expects_what_the_vendor_counts_unless_it_says_otherwise() -> None:
    assert MEETING.has("anything")
    assert MEETING.expected("anything") == 3


def test_a_meeting_that_is_refused_without_an_attempt_says_why_and_nothing_else() -> None:
    found = row(Held(outcome="blocked", reason="an ad-hoc call"))

    assert (found["status"], found["reason"], found["attempts"], found["settled"]) == (
        "blocked",
        "an ad-hoc call",
        0,
        False,
    )
