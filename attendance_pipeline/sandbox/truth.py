"""What a pipeline must find: the numbers, counted here in plain Python from the stays themselves.

Independent of any pipeline: no SQL, no data frames, no pages. All times are UTC, all lengths seconds. Rows
that a waiting room made are listed among the intervals and counted nowhere else.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from attendance_pipeline.sandbox.model import Kind, Occurrence, Person, Room, Stay


@dataclass(frozen=True, slots=True)
class Held:
    """One occurrence as its vendor shows it: what the truth is counted from."""

    occurrence: Occurrence
    stays: tuple[Stay, ...]
    vendor_meeting_id: str
    series_id: str
    email_shown: Callable[[Stay], str]
    """The e-mail address that the vendor shows on this stay's row, or ""."""
    rows: int | None = None
    """Rows in the vendor's report; None where that is one per stay."""


@dataclass(frozen=True, slots=True)
class MeetingTruth:
    """One ended meeting or event."""

    vendor: str
    vendor_meeting_id: str
    series_id: str
    title: str
    kind: Kind
    host_email: str
    started_at: datetime
    ended_at: datetime
    ended_date: date
    report_ready_at: datetime
    """Until then the vendor doesn't tell who attended."""
    attendee_count: int
    """People with at least one stay outside the waiting room."""
    join_count: int
    """Stays outside the waiting room."""
    attended_seconds: int
    """Sum over attendees of the union of their stays."""
    device_seconds: int
    """Sum of stays."""
    active_seconds: int
    """Time with at least two attendees present."""
    peak_attendees: int
    """The most attendees present at once; whoever leaves at t is gone before another joins at t."""
    vendor_attendee_count: int
    """What the vendor calls participants: at Zoom every row of its report, waiting rooms included; at Webex one
    per person and e-mail address or name shown; at Teams one per person signed in or registered and one per join of
    anybody else, of a live event one per join."""


@dataclass(frozen=True, slots=True)
class AttendeeTruth:
    """One person in one meeting, outside the waiting room at least once."""

    vendor_meeting_id: str
    person: str
    email: str | None
    """None where the vendor shows none on any of the person's rows."""
    join_count: int
    attended_seconds: int
    device_seconds: int
    first_joined_at: datetime
    last_left_at: datetime


@dataclass(frozen=True, slots=True)
class IntervalTruth:
    """One row of the vendor's report: one join to one leave."""

    vendor_meeting_id: str
    display_name: str
    joined_at: datetime
    left_at: datetime
    duration_seconds: int
    room: Room


@dataclass(frozen=True, slots=True)
class Truth:
    """Everything that ended on some UTC dates (inclusive) and before the moment it was asked for."""

    first: date
    last: date
    as_of: datetime
    meetings: list[MeetingTruth]
    attendees: list[AttendeeTruth]
    intervals: list[IntervalTruth]

    def totals(self) -> dict[str, int]:
        """Sums over all meetings; `intervals` counts every row, those of waiting rooms too."""
        return {
            "meetings": len(self.meetings),
            "intervals": len(self.intervals),
            "attendees": sum(meeting.attendee_count for meeting in self.meetings),
            "attended_seconds": sum(meeting.attended_seconds for meeting in self.meetings),
            "device_seconds": sum(meeting.device_seconds for meeting in self.meetings),
            "active_seconds": sum(meeting.active_seconds for meeting in self.meetings),
        }


def truth_of(held: Iterable[Held], first: date, last: date, as_of: datetime) -> Truth:
    """The truth about what was held, as far as it ended by `as_of`, in order of its end."""
    truth = Truth(first, last, as_of, [], [], [])
    ended = (one for one in held if one.occurrence.ended_at <= as_of)
    for one in sorted(ended, key=lambda one: (one.occurrence.ended_at, one.vendor_meeting_id)):
        attendees = _attendees(one)
        truth.meetings.append(_meeting(one, attendees))
        truth.attendees.extend(attendees)
        truth.intervals.extend(_intervals(one))
    return truth


def _counted(one: Held) -> dict[Person, list[Stay]]:
    people: dict[Person, list[Stay]] = {}
    for stay in one.stays:
        if stay.room != "waiting":
            people.setdefault(stay.person, []).append(stay)
    return people


def _attendees(one: Held) -> list[AttendeeTruth]:
    return [
        AttendeeTruth(
            vendor_meeting_id=one.vendor_meeting_id,
            person=person.id,
            email=next((email for stay in stays if (email := one.email_shown(stay))), None),
            join_count=len(stays),
            attended_seconds=sum(_seconds(begin, end) for begin, end in union(stays)),
            device_seconds=sum(_seconds(stay.joined, stay.left) for stay in stays),
            first_joined_at=min(stay.joined for stay in stays),
            last_left_at=max(stay.left for stay in stays),
        )
        for person, stays in _counted(one).items()
    ]


def _meeting(one: Held, attendees: list[AttendeeTruth]) -> MeetingTruth:
    occurrence = one.occurrence
    active, peak = together([union(stays) for stays in _counted(one).values()])
    return MeetingTruth(
        vendor=occurrence.vendor,
        vendor_meeting_id=one.vendor_meeting_id,
        series_id=one.series_id,
        title=occurrence.title,
        kind=occurrence.kind,
        host_email=occurrence.host.email,
        started_at=occurrence.started_at,
        ended_at=occurrence.ended_at,
        ended_date=occurrence.ended_at.date(),
        report_ready_at=occurrence.report_ready_at,
        attendee_count=len(attendees),
        join_count=sum(attendee.join_count for attendee in attendees),
        attended_seconds=sum(attendee.attended_seconds for attendee in attendees),
        device_seconds=sum(attendee.device_seconds for attendee in attendees),
        active_seconds=active,
        peak_attendees=peak,
        vendor_attendee_count=len(one.stays) if one.rows is None else one.rows,
    )


def _intervals(one: Held) -> list[IntervalTruth]:
    return [
        IntervalTruth(
            vendor_meeting_id=one.vendor_meeting_id,
            display_name=stay.name,
            joined_at=stay.joined,
            left_at=stay.left,
            duration_seconds=_seconds(stay.joined, stay.left),
            room=stay.room,
        )
        for stay in one.stays
    ]


def union(stays: Iterable[Stay]) -> list[tuple[datetime, datetime]]:
    """Stays as spans that neither overlap nor touch, in order of time; those of no length leave nothing."""
    spans: list[tuple[datetime, datetime]] = []
    for stay in sorted(stays, key=lambda stay: stay.joined):
        if stay.joined == stay.left:
            continue
        if spans and stay.joined <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], stay.left))
        else:
            spans.append((stay.joined, stay.left))
    return spans


def together(people: list[list[tuple[datetime, datetime]]]) -> tuple[int, int]:
    """Seconds with two or more present, and the most present at any moment; spans are half-open."""
    changes: dict[datetime, int] = {}
    for spans in people:
        for begin, end in spans:
            changes[begin] = changes.get(begin, 0) + 1
            changes[end] = changes.get(end, 0) - 1
    present = active = peak = 0
    before: datetime | None = None
    for moment in sorted(changes):
        if before is not None and present >= 2:
            active += _seconds(before, moment)
        present += changes[moment]
        peak = max(peak, present)
        before = moment
    return active, peak


def _seconds(begin: datetime, end: datetime) -> int:
    return int((end - begin).total_seconds())
