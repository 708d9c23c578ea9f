"""What happened in the sandbox's organisation, and what each vendor shows of who was there. Knows no raw row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from attendance_pipeline.loading import Told
from attendance_pipeline.sandbox import Sandbox
from attendance_pipeline.sandbox.model import Occurrence, Stay
from attendance_pipeline.sandbox.teams.live import AGENT
from attendance_pipeline.sandbox.truth import Held
from attendance_pipeline.sandbox.webex.wording import device_type

from .counted.webinars import Registered
from .facts import ROLES, FactAttendee, FactInterval, FactMeeting, Facts, people_of, token_of
from .telling import key_of, seconds_from

TEAMS_ROLES = {"Organizer": "host", "Presenter": "presenter", "Attendee": "attendee"}


@dataclass
class Shown:
    """One stay as its vendor shows it."""

    stay: Stay
    email: str | None
    account: str | None = None
    role: str | None = None
    is_own: bool | None = None
    device: str | None = None
    client: str | None = None
    audio: str | None = None

    @property
    def tokens(self) -> set[str]:
        emails = {f"email:{self.email}"} if self.email else set()
        return emails | ({self.account} if self.account else set())


class TruthFacts:
    """Everything that ended on these UTC dates (inclusive), as far as the vendors tell of it."""

    def __init__(self, sandbox: Sandbox, first: date, last: date, told: Told) -> None:
        self._sandbox = sandbox
        self._told = told
        # a vendor's own has another title, and with another title other people come
        self._occurrences = {one.id: one for one in sandbox.organisation.ended_between(first, last)}
        vendors: list[tuple[Iterator[Held], Callable[[Held], Iterator[Shown]]]] = [
            (sandbox.zoom.held(first, last), self._zoom),
            (sandbox.webex.held(first, last), self._webex),
            (sandbox.teams.held(first, last), self._teams),
        ]
        self._held = {
            key_of(held.occurrence.vendor, held.vendor_meeting_id): (held, list(shown(held)))
            for every, shown in vendors
            for held in every
        }
        self.facts = self._facts()

    def _facts(self) -> Facts:
        hosts = {held.occurrence.host.email for held, _ in self._held.values()}
        attendees = {key: _by_person(shown) for key, (_, shown) in self._held.items()}
        carried = [
            set().union(*(one.tokens for _, one in joins)) for by in attendees.values() for joins in by.values()
        ]
        roster = set(self._told.roster)
        aliases = {(token_of(identity), token_of(same_as)) for identity, same_as in self._told.aliases}
        every_host = hosts | {host for _, host in roster}
        people = people_of([*carried, *aliases, *([f"email:{host}"] for host in every_host)])
        own_domains = {host.partition("@")[2] for host in hosts}
        meetings: dict[str, FactMeeting] = {}
        for key, (held, shown) in self._held.items():
            occurrence = held.occurrence
            booked = self._booked(occurrence)
            meetings[key] = FactMeeting(
                key=key,
                vendor=occurrence.vendor,
                vendor_meeting_id=held.vendor_meeting_id,
                series=held.series_id,
                kind=occurrence.kind,
                host_email=occurrence.host.email,
                host_person=people[f"email:{occurrence.host.email}"],
                started_at=_naive(occurrence.started_at),
                ended_at=_naive(occurrence.ended_at),
                scheduled_start_at=booked and _naive(booked[0]),
                scheduled_end_at=booked and _naive(booked[1]),
                attendees=[
                    _attendee(key, occurrence, joins, people, own_domains)
                    for joins in attendees[key].values()
                    if any(one.stay.room != "waiting" for _, one in joins)
                ],
                intervals=[
                    FactInterval(
                        key=f"{key}|{place}",
                        meeting=key,
                        joined_at=_naive(one.stay.joined),
                        left_at=_naive(one.stay.left),
                        room=one.stay.room,
                        device=one.device,
                        client=one.client,
                        audio=one.audio,
                        email=one.email,
                        account=one.account,
                    )
                    for place, one in enumerate(shown)
                ],
            )
        return Facts(
            meetings=meetings,
            own_domains=own_domains,
            as_of=self._sandbox.now().date(),
            roster=roster,
            people=dict(people),
            carried=carried,
            aliases=aliases,
        )

    def registered(self) -> dict[str, Registered]:
        """By meeting, who registered: at Zoom there is no list, Webex counts who came, Graph lists everybody."""
        found: dict[str, Registered] = {}
        for key, (held, shown) in self._held.items():
            came = {
                frozenset(f"{key}|{place}" for place, _ in joins)
                for joins in _by_person(shown).values()
                if any(one.stay.registered for _, one in joins)
            }
            if held.occurrence.kind == "live_event":
                found[key] = Registered(None, None)
            elif held.occurrence.vendor == "teams":
                found[key] = Registered(self._registered_at_teams(held.occurrence), came)
            else:
                found[key] = Registered(len(came) if held.occurrence.vendor == "webex" else None, came)
        return found

    def _registered_at_teams(self, occurrence: Occurrence) -> int:
        """For any session of the event."""
        tenant = self._sandbox.teams.tenant
        sessions = tenant.reported(occurrence.series)
        records = [record for session in sessions for record in tenant.presence.records(session)]
        return len({record.person for record in records if record.registered})

    def _booked(self, occurrence: Occurrence) -> tuple[datetime, datetime] | None:
        """When it was to be held: Graph alone tells."""
        if occurrence.vendor != "teams" or occurrence.series.booking not in ("scheduled", "recurring"):
            return None
        return self._sandbox.teams.tenant.bookings.planned(occurrence)

    def _zoom(self, held: Held) -> Iterator[Shown]:
        identity = self._sandbox.zoom.reports.identity
        for stay in held.stays:
            account = f"zoom:{identity.user_id(stay.person)}" if stay.signed_in else None
            yield Shown(stay, held.email_shown(stay) or None, account, is_own=True if account else None)

    def _webex(self, held: Held) -> Iterator[Shown]:
        """A device's client stands in another report, beside the person's address or name alone."""
        reports, now = self._sandbox.webex.reports, self._sandbox.now()
        clients: dict[str, set[str]] = defaultdict(set)
        for join in reports.rows.joins(held.occurrence, now):
            client = reports.rows.attendee(join, UTC).get("clientAgent")
            clients[join.one.email or join.one.name.lower()] |= {str(client)} if client else set()
        for one in reports.presence.participants(held.occurrence):
            of_person = clients[one.email or one.name.lower()]
            for piece in one.pieces:
                device = next(device for device in one.devices if device.kind == piece.device)
                kind = None if piece.device == "phone" else device_type(one.person, device)
                sound = "voip" if piece.seconds else "inactive"
                yield Shown(
                    piece,
                    one.email or None,
                    device=kind,
                    client=next(iter(of_person)) if len(of_person) == 1 else None,
                    audio="pstn" if kind is None else None if kind == "mac" else sound,
                )

    def _teams(self, held: Held) -> Iterator[Shown]:
        tenant, occurrence = self._sandbox.teams.tenant, self._occurrences[held.occurrence.id]
        if occurrence.kind == "live_event":
            for session in tenant.presence.sessions(occurrence):
                role = "presenter" if session.stay.person is occurrence.host else "attendee"
                yield Shown(session.stay, held.email_shown(session.stay) or None, role=role, client=AGENT)
            return
        for record in tenant.presence.records(occurrence):
            account = f"teams:{tenant.identity.user_id(record.person)}" if record.signed_in else None
            for stay in record.intervals:
                yield Shown(
                    stay,
                    held.email_shown(stay) or None,
                    account,
                    role=TEAMS_ROLES[record.role],
                    is_own=record.person.employed if account else None,
                )


def _by_person(shown: list[Shown]) -> dict[str, list[tuple[int, Shown]]]:
    found: dict[str, list[tuple[int, Shown]]] = defaultdict(list)
    for place, one in enumerate(shown):
        found[one.stay.person.id].append((place, one))
    return found


def _attendee(
    meeting: str,
    occurrence: Occurrence,
    joins: list[tuple[int, Shown]],
    people: dict[str, frozenset[str]],
    own_domains: set[str],
) -> FactAttendee:
    shown = [one for _, one in joins]
    counted = [one.stay for one in shown if one.stay.room != "waiting"]
    keys = frozenset(f"{meeting}|{place}" for place, _ in joins)
    tokens = set().union(*(one.tokens for one in shown))
    emails = {one.email for one in shown if one.email}
    owned = {one.is_own for one in shown} - {None}
    strongest = min((one.role for one in shown), key=ROLES.index)
    is_external = None if not owned else True not in owned
    if emails:
        is_external = not {email.partition("@")[2] for email in emails} & own_domains
    return FactAttendee(
        meeting=meeting,
        joins=keys,
        person=people[min(tokens)] if tokens else keys,
        is_identified=bool(tokens),
        email=min(emails, default=None),
        role="host" if occurrence.host.email in emails else strongest or "attendee",
        is_external=is_external,
        first_joined_at=_naive(min(stay.joined for stay in counted)),
        last_left_at=_naive(max(stay.left for stay in counted)),
        seconds={second for stay in counted for second in seconds_from(_naive(stay.joined), _naive(stay.left))},
        device_seconds=sum(stay.seconds for stay in counted),
        join_count=len(counted),
    )


def _naive(moment: datetime) -> datetime:
    """UTC, as the marts tell it."""
    return moment.astimezone(UTC).replace(tzinfo=None)
