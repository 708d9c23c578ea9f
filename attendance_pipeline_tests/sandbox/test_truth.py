"""The truth counts right: by hand on a few occurrences, second by second on made-up ones."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from attendance_pipeline.sandbox.model import Occurrence, Person, Room, Series, Stay
from attendance_pipeline.sandbox.truth import Held, MeetingTruth, Truth, truth_of

NINE = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)
ANA, BEN, CEM = (
    Person(id=name, name=name.title(), email=f"{name}@x.example", status="active", position=place)
    for place, name in enumerate(("ana", "ben", "cem"))
)


def stay(person: Person, begin: int, end: int, room: Room = "main", *, signed_in: bool = True) -> Stay:
    return Stay(
        person=person,
        joined=NINE + timedelta(seconds=begin),
        left=NINE + timedelta(seconds=end),
        room=room,
        breakout=1 if room == "breakout" else None,
        name=person.name,
        signed_in=signed_in,
        registered=False,
        device="desktop",
    )


def count(*stays: Stay, length: int = 3600, as_of: datetime | None = None) -> Truth:
    occurrence = Occurrence(
        id="2026-03-02/0",
        day=date(2026, 3, 2),
        index=0,
        series=Series("2026-03-02/0", "scheduled", "meeting", ANA, "By hand", 0, only_on=date(2026, 3, 2)),
        vendor="zoom",
        title="By hand",
        started_at=NINE,
        ended_at=NINE + timedelta(seconds=length),
        report_ready_at=NINE + timedelta(seconds=length + 600),
        people=3,
    )
    held = Held(occurrence, stays, "uuid==", "123", lambda one: one.person.email if one.signed_in else "")
    return truth_of([held], NINE.date(), NINE.date(), as_of or NINE + timedelta(days=1))


def numbers(meeting: MeetingTruth) -> tuple[int, ...]:
    return (
        *(meeting.attendee_count, meeting.join_count, meeting.attended_seconds, meeting.device_seconds),
        *(meeting.active_seconds, meeting.peak_attendees, meeting.vendor_attendee_count),
    )


@pytest.mark.parametrize(
    ("stays", "expected"),
    [
        # alone
        ([stay(ANA, 0, 3600)], (1, 1, 3600, 3600, 0, 1, 1)),
        # a re-join leaves a hole
        (
            [stay(ANA, 0, 3600), stay(BEN, 0, 1000), stay(BEN, 1100, 3600)],
            (2, 3, 7100, 7100, 3500, 2, 3),
        ),
        # two devices are one person
        (
            [stay(ANA, 0, 1000), stay(ANA, 500, 1500), stay(BEN, 1500, 2000)],
            (2, 3, 2000, 2500, 0, 1, 3),
        ),
        # a leave at t precedes a join at t; one person's own stays may touch
        (
            [stay(ANA, 0, 100), stay(ANA, 100, 200), stay(BEN, 50, 100), stay(CEM, 100, 150)],
            (3, 4, 300, 300, 100, 2, 4),
        ),
        # no time at all: there, but never present
        ([stay(ANA, 0, 100), stay(BEN, 50, 50)], (2, 2, 100, 100, 0, 1, 2)),
        # a waiting room is not attendance, a breakout is
        (
            [
                stay(ANA, 0, 100),
                stay(BEN, 0, 30, "waiting"),
                stay(BEN, 30, 60),
                stay(BEN, 61, 100, "breakout"),
                stay(CEM, 0, 90, "waiting"),
            ],
            (2, 3, 169, 169, 69, 2, 5),
        ),
    ],
)
def test_numbers_known_by_hand(stays: list[Stay], expected: tuple[int, ...]) -> None:
    truth = count(*stays)

    assert numbers(truth.meetings[0]) == expected
    assert len(truth.intervals) == len(stays)
    assert truth.totals() == {
        "meetings": 1,
        "intervals": len(stays),
        "attendees": expected[0],
        "attended_seconds": expected[2],
        "device_seconds": expected[3],
        "active_seconds": expected[4],
    }


def test_an_attendee_spans_first_join_to_last_leave() -> None:
    truth = count(
        stay(BEN, 10, 20, "waiting"), stay(BEN, 20, 50, signed_in=False), stay(BEN, 60, 90), stay(ANA, 0, 90)
    )

    ben = next(attendee for attendee in truth.attendees if attendee.person == "ben")
    assert (ben.first_joined_at, ben.last_left_at) == (
        NINE + timedelta(seconds=20),
        NINE + timedelta(seconds=90),
    )
    assert (ben.email, ben.join_count, ben.attended_seconds) == ("ben@x.example", 2, 60)


def test_an_email_never_shown_is_none() -> None:
    (attendee,) = count(stay(BEN, 0, 10, signed_in=False)).attendees

    assert attendee.email is None


def test_whoever_only_waited_is_an_interval_and_nothing_else() -> None:
    truth = count(stay(ANA, 0, 100), stay(BEN, 0, 90, "waiting"))

    assert [attendee.person for attendee in truth.attendees] == ["ana"]
    assert [interval.room for interval in truth.intervals] == ["main", "waiting"]


def test_what_has_not_ended_is_not_yet_true() -> None:
    assert count(stay(ANA, 0, 3600), as_of=NINE + timedelta(seconds=3599)).meetings == []
    assert len(count(stay(ANA, 0, 3600), as_of=NINE + timedelta(seconds=3600)).meetings) == 1


def test_it_agrees_with_counting_every_second() -> None:
    dice = random.Random(1)  # noqa: S311
    for _ in range(60):
        stays = []
        for _ in range(dice.randint(1, 9)):
            begin = dice.randrange(120)
            room = dice.choice(("main", "main", "breakout", "waiting"))
            end = dice.randint(begin, 120)
            stays.append(stay(dice.choice((ANA, BEN, CEM)), begin, end, room))  # type: ignore[arg-type]
        counted = [one for one in stays if one.room != "waiting"]
        present = [
            {one.person for one in counted if one.joined <= NINE + timedelta(seconds=s) < one.left}
            for s in range(121)
        ]
        assert numbers(count(*stays).meetings[0]) == (
            len({one.person for one in counted}),
            len(counted),
            sum(map(len, present)),
            sum((one.left - one.joined).seconds for one in counted),
            sum(len(people) >= 2 for people in present),
            max(map(len, present)),
            len(stays),
        )
