"""What happened, in plain Python: the meetings, who was in them, who that was, and each second they were there.

The counting of every mart begins here, whether the facts come from raw rows or from a made-up organisation's truth.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from .raw_rows import RawRows
from .telling import Interval, Meeting, seconds_from
from .told import intervals, meetings

ROLES = ["host", "co_host", "presenter", "panelist", "attendee", None]


@dataclass
class FactInterval:
    """One join, waiting rooms included."""

    key: str
    meeting: str
    joined_at: datetime
    left_at: datetime
    room: str
    device: str | None
    client: str | None
    audio: str | None
    # what it carried of who it was; an account with its vendor in front
    email: str | None = None
    account: str | None = None

    @property
    def seconds(self) -> range:
        return seconds_from(self.joined_at, self.left_at)


@dataclass
class FactAttendee:
    """One person in one meeting, outside its waiting room at least once."""

    meeting: str
    joins: frozenset[str]
    person: Hashable
    is_identified: bool
    email: str | None
    role: str
    is_external: bool | None
    first_joined_at: datetime
    last_left_at: datetime
    # since 1970, each during which they were there
    seconds: set[int]
    device_seconds: int
    join_count: int


@dataclass
class FactMeeting:
    """One listed meeting."""

    key: str
    vendor: str
    vendor_meeting_id: str
    series: str | None
    kind: str
    host_email: str | None
    host_person: Hashable | None
    started_at: datetime
    ended_at: datetime
    scheduled_start_at: datetime | None
    scheduled_end_at: datetime | None
    attendees: list[FactAttendee] = field(default_factory=list)
    intervals: list[FactInterval] = field(default_factory=list)


@dataclass
class Facts:
    meetings: dict[str, FactMeeting]
    own_domains: set[str]
    as_of: date
    roster: set[tuple[str, str]]
    # who is meant by what says so, see token_of
    people: dict[str, frozenset[str]] = field(default_factory=dict)
    # what says so and one attendee carried, also who only waited
    carried: list[set[str]] = field(default_factory=list)
    # pairs of what says so of one person
    aliases: set[tuple[str, str]] = field(default_factory=set)


class Groups:
    """Union-find."""

    def __init__(self) -> None:
        self._parent: dict[Hashable, Hashable] = {}

    def find(self, item: Hashable) -> Hashable:
        self._parent.setdefault(item, item)
        while self._parent[item] != item:
            item = self._parent[item]
        return item

    def join(self, items: Iterable[Hashable]) -> None:
        first, *others = items
        joined = self.find(first)
        for other in others:
            self._parent[self.find(other)] = joined

    def all(self) -> list[set[Hashable]]:
        together: dict[Hashable, set[Hashable]] = defaultdict(set)
        for item in self._parent:
            together[self.find(item)].add(item)
        return list(together.values())


def token_of(identity: str) -> str:
    """An e-mail address, or `vendor:account id`, as what says who somebody is."""
    of_account = identity.partition(":")[0] in {"zoom", "webex", "teams"}
    return identity if of_account else f"email:{identity.strip().lower()}"


def facts_of_raw(raw: RawRows) -> Facts:
    """A person is all that says who they are, or, where nothing does, the joins of one attendee."""
    listed = meetings(raw)
    by_meeting: dict[str, list[Interval]] = defaultdict(list)
    for interval in intervals(raw):
        if interval.meeting in listed:
            by_meeting[interval.meeting].append(interval)
    hosts = {meeting.host_email for meeting in listed.values() if meeting.host_email}
    aliases = {(token_of(row["identity"]), token_of(row["same_as"])) for row in raw.aliases}
    groups = {meeting: _who_is_who(joins) for meeting, joins in by_meeting.items()}
    carried = [_tokens(joins, listed) for attendees in groups.values() for joins in attendees]
    roster = {(row["vendor"], row["host_email"].strip().lower()) for row in raw.roster}
    every_host = hosts | {host for _, host in roster}
    people = people_of([*carried, *aliases, *([f"email:{host}"] for host in every_host)])

    facts = Facts(
        meetings={},
        own_domains={host.split("@")[1] for host in hosts},
        as_of=max((row["as_of"] for row in raw.vendors), default=date.min),
        roster=roster,
        people=people,
        carried=carried,
        aliases=aliases,
    )
    for key, meeting in listed.items():
        facts.meetings[key] = FactMeeting(
            key=key,
            vendor=meeting.vendor,
            vendor_meeting_id=meeting.id,
            series=meeting.series,
            kind=meeting.kind,
            host_email=meeting.host_email,
            host_person=people[f"email:{meeting.host_email}"] if meeting.host_email else None,
            started_at=meeting.started_at,
            ended_at=meeting.ended_at,
            scheduled_start_at=meeting.scheduled_start_at,
            scheduled_end_at=meeting.scheduled_end_at,
            attendees=[
                _attendee(meeting, joins, people, facts.own_domains)
                for joins in groups.get(key, [])
                if any(join.room != "waiting" for join in joins)
            ],
            intervals=[_interval(meeting, join) for join in by_meeting[key]],
        )
    return facts


def people_of(carried_together: Iterable[Iterable[str]]) -> dict[str, frozenset[str]]:
    """By what says who somebody is, all that says so of the same person."""
    same = Groups()
    for tokens in carried_together:
        if together := list(tokens):
            same.join(together)
    return {str(token): frozenset(map(str, person)) for person in same.all() for token in person}


def _tokens(joins: list[Interval], listed: dict[str, Meeting]) -> set[str]:
    emails = {f"email:{join.email}" for join in joins if join.email}
    return emails | {f"{listed[join.meeting].vendor}:{join.account}" for join in joins if join.account}


def _who_is_who(joins: list[Interval]) -> list[list[Interval]]:
    same = Groups()
    for join in joins:
        same.join([join.key, *join.ids])
    bearers: dict[str, set[Hashable]] = defaultdict(set)
    for join in joins:
        if join.ids and join.folded_name:
            bearers[join.folded_name].add(same.find(join.key))
    for join in joins:
        if not join.ids and join.folded_name:
            borne_by = bearers[join.folded_name]
            same.join([next(iter(borne_by)) if len(borne_by) == 1 else ("name", join.folded_name), join.key])
        if not join.ids and not join.folded_name and join.participant:
            same.join([("participant", join.participant), join.key])
    attendees: dict[Hashable, list[Interval]] = defaultdict(list)
    for join in joins:
        attendees[same.find(join.key)].append(join)
    return list(attendees.values())


def _attendee(
    meeting: Meeting, joins: list[Interval], people: dict[str, frozenset[str]], own_domains: set[str]
) -> FactAttendee:
    counted = [join for join in joins if join.room != "waiting"]
    emails = sorted({join.email for join in joins if join.email})
    domains = {email.split("@")[1] for email in emails if "@" in email}
    is_external: bool | None = None
    if domains:
        is_external = not domains & own_domains
    elif any(join.is_own is not None for join in joins):
        is_external = not any(join.is_own for join in joins)
    strongest = min((join.role for join in joins), key=ROLES.index)
    keys = frozenset(join.key for join in joins)
    tokens = _tokens(joins, {meeting.key: meeting})
    return FactAttendee(
        meeting=meeting.key,
        joins=keys,
        person=people[min(tokens)] if tokens else keys,
        is_identified=bool(tokens),
        email=emails[0] if emails else None,
        role="host" if meeting.host_email in emails else strongest or "attendee",
        is_external=is_external,
        first_joined_at=min(join.joined_at for join in counted),
        last_left_at=max(join.left_at for join in counted),
        seconds={second for join in counted for second in join.seconds},
        device_seconds=sum(len(join.seconds) for join in counted),
        join_count=len(counted),
    )


def _interval(meeting: Meeting, join: Interval) -> FactInterval:
    return FactInterval(
        key=join.key,
        meeting=join.meeting,
        joined_at=join.joined_at,
        left_at=join.left_at,
        room=join.room,
        device=join.device,
        client=join.client,
        audio=join.audio,
        email=join.email,
        account=f"{meeting.vendor}:{join.account}" if join.account else None,
    )
