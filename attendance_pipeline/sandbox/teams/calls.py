"""Call records: of meetings and events, and calls that aren't either. For discovery: who was there is in reports."""

import base64
import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from attendance_pipeline.sandbox.model import Occurrence, Person
from attendance_pipeline.sandbox.teams.errors import bad_request, not_found
from attendance_pipeline.sandbox.teams.identity import MeetingName, join_url
from attendance_pipeline.sandbox.teams.paging import Row, link, page, place_of, selected, token_of
from attendance_pipeline.sandbox.teams.routes import Request
from attendance_pipeline.sandbox.teams.settling import CALLS_KEPT
from attendance_pipeline.sandbox.teams.tenant import Tenant
from attendance_pipeline.sandbox.teams.times import instant, read

PAGE = 60
PARTICIPANTS_PAGE = 130
SESSIONS_PAGE = 60

# the longest meeting, in days, so that all of a window's are looked at
LONGEST = 2

SATURDAY = 5
FOREIGN = 2
"""Which of a day's stray calls another tenant organised."""

Condition = tuple[str, datetime]

CONDITION = re.compile(r"startDateTime (ge|gt|le|lt) ([0-9TZ:.+-]+)")
FIELDS = (
    *("id", "version", "type", "modalities", "lastModifiedDateTime", "startDateTime", "endDateTime", "joinWebUrl"),
    *("organizer", "participants", "organizer_v2"),
)
# explicit nulls, as recorded
IDENTITIES = (
    *("acsUser", "spoolUser", "phone", "guest", "encrypted", "onPremises", "acsApplicationInstance"),
    *("spoolApplicationInstance", "applicationInstance", "application", "device"),
)
MORE_IDENTITIES = ("endpointType", "azureCommunicationServicesUser", "assertedIdentity")


@dataclass(frozen=True, slots=True)
class CallOf:
    """One call, whatever it was for."""

    id: str
    type: str
    started_at: datetime
    ended_at: datetime
    join_url: str
    organizer: Person
    hidden_by: str
    """The report, or the live event, by which it's hidden from the list."""
    people: Occurrence | tuple[Person, ...]
    """Who took part, or of which occurrence."""


class Calls:
    """Lists what began in the last 30 days and has been recorded by now."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self._strays = lru_cache(maxsize=400)(self._strays_of)
        self._held = lru_cache(maxsize=400)(self._held_on)

    def listed(self, request: Request) -> Row:
        """By their start; a page goes on after the last call of the one before."""
        now = self.tenant.now()
        conditions = _conditions(request.query.get("$filter", ""))
        begin, end = _window(conditions, now)
        size = request.page_size(PAGE, PAGE)
        found = [one for one in self._recorded(begin, end, now) if _keeps(conditions, one)]
        found.sort(key=_key)
        after = place_of(request)
        rows = [one for one in found if not after or _key(one) > tuple(after.split("|"))]
        body: Row = {"@odata.context": request.context + "communications/callRecords"}
        if len(rows) > size:
            place = "|".join(_key(rows[size - 1]))
            body["@odata.nextLink"] = link(request, {"$skiptoken": token_of(place)})
        return body | {"value": [selected(request, self._row(one), FIELDS) for one in rows[:size]]}

    def call(self, request: Request) -> Row:
        """One call, and what it's asked to be expanded by, as far as a page goes."""
        call = self._known(request)
        expanded = request.query.get("$expand", "")
        body = {"@odata.context": request.context + "communications/callRecords/$entity"}
        body |= selected(request, self._row(call), FIELDS)  # type: ignore[arg-type]
        parts = {
            "participants_v2": (self._participants, PARTICIPANTS_PAGE),
            "sessions": (self._sessions, SESSIONS_PAGE),
        }
        for name in filter(None, expanded.split(",")):
            if name not in parts:
                raise bad_request(f"Parsing OData Select and Expand failed: '{name}' can't be expanded.")
            render, size = parts[name]
            rows = render(call)
            body[name] = rows[:size]  # type: ignore[assignment]
            if len(rows) > size:
                following = replace(request, query={"$skiptoken": token_of(size)})
                body[f"{name}@odata.nextLink"] = link(following, {}, f"{request.address}/{name}")
        return body  # type: ignore[return-value]

    def participants(self, request: Request) -> Row:
        """Who took part in one call."""
        rows = self._participants(self._known(request))
        return page(request, "callRecords/participants_v2", rows, lambda row: row, size=PARTICIPANTS_PAGE)

    def sessions(self, request: Request) -> Row:
        """One per participant; their times are the call's, as they have been seen to be shortened or missing."""
        rows = self._sessions(self._known(request))
        return page(request, "callRecords/sessions", rows, lambda row: row, size=SESSIONS_PAGE)

    def _known(self, request: Request) -> CallOf:
        tenant, now = self.tenant, self.tenant.now()
        day = tenant.identity.day_of(request.parts["call"])
        for one in self._of_day(day) if day is not None else ():
            if one.id == request.parts["call"] and self._is_recorded(one, now):
                return one
        raise not_found()

    def _recorded(self, begin: datetime, end: datetime, now: datetime) -> Iterator[CallOf]:
        first = (begin - timedelta(days=LONGEST)).date()
        for ordinal in range(first.toordinal(), end.date().toordinal() + 1):
            yield from (one for one in self._of_day(date.fromordinal(ordinal)) if self._is_recorded(one, now))

    def _is_recorded(self, call: CallOf, now: datetime) -> bool:
        tenant = self.tenant
        return (
            call.started_at >= now - CALLS_KEPT
            and tenant.settling.call_at(call.ended_at, call.id) <= now
            and not tenant.options.told(tenant.options.hidden_from_call_records, call.hidden_by)
        )

    def _of_day(self, day: date) -> Iterator[CallOf]:
        options = self.tenant.options
        yield from self._held(day, options.channels)
        for stray in self._strays(day):
            if options.foreign_calls if stray.join_url else options.stray_calls:
                yield stray

    def _held_on(self, day: date, channels: bool) -> tuple[CallOf, ...]:  # noqa: FBT001
        """Of meetings and events: the host is the first to come, and the record ends with the meeting."""
        tenant, identity, found = self.tenant, self.tenant.identity, []
        for one in tenant.organisation.occurrences(day):
            if one.vendor != "teams":
                continue
            live = one.kind == "live_event"
            found.append(
                CallOf(
                    id=identity.call_id(day, one.id),
                    type="groupCall",
                    started_at=one.started_at,
                    ended_at=one.ended_at,
                    join_url=identity.join_url(one.series),
                    organizer=one.host,
                    hidden_by=identity.meeting_id(one.series) if live else identity.report_id(one),
                    people=one,
                )
            )
        return tuple(found)

    def _strays_of(self, day: date) -> tuple[CallOf, ...]:
        """On a weekday a call of two, one of a group, and one to a meeting of another tenant."""
        tenant, identity = self.tenant, self.tenant.identity
        if "teams" not in tenant.organisation.mix or day.weekday() >= SATURDAY:
            return ()
        roll = tenant.organisation.random("strays", day)
        midnight, found = datetime.combine(day, time(), UTC), []
        for place, (kind, count) in enumerate((("peerToPeer", 2), ("groupCall", 3), ("groupCall", 2))):
            people = tuple(roll.sample(tenant.organisation.active, count))
            began = midnight + timedelta(hours=roll.randint(8, 16), seconds=roll.randrange(3_600))
            organizer, address = people[0], ""
            if place == FOREIGN:
                organizer = roll.choice(tenant.organisation.guests)
                code = base64.b64encode(identity.uuid("foreign", day).encode()).decode()
                name = MeetingName(identity.user_id(organizer), "0", f"19:meeting_{code}@thread.v2")
                address = join_url(name, identity.tenant_of(organizer))
            found.append(
                CallOf(
                    id=identity.call_id(day, "stray", place),
                    type=kind,
                    started_at=began,
                    ended_at=began + timedelta(seconds=roll.randint(20, 2_400)),
                    join_url=address,
                    organizer=organizer,
                    hidden_by="",
                    people=people,
                )
            )
        return tuple(found)

    def _row(self, call: CallOf) -> Row:
        """A list's row; it has nobody but the organizer."""
        settled = self.tenant.settling.call_at(call.ended_at, call.id)
        user = self._user(call.organizer)
        shown = {name: user[name] for name in ("id", "displayName", "tenantId")}
        return {
            "id": call.id,
            "version": 1 + int(call.id[-1], 16) % 3,
            "type": call.type,
            "modalities": ["audio"] if call.type == "peerToPeer" else ["audio", "video", "videoBasedScreenSharing"],
            "lastModifiedDateTime": instant(settled, 7),
            "startDateTime": instant(call.started_at, 7),
            "endDateTime": instant(call.ended_at, 7),
            "joinWebUrl": call.join_url,
            "organizer": dict.fromkeys(IDENTITIES) | {"user": shown},
            "participants": [],
            "organizer_v2": self._participant(user),
        }

    def _participant(self, user: Row) -> Row:
        return {
            "id": user["id"],
            "identity": dict.fromkeys((*IDENTITIES, *MORE_IDENTITIES)) | {"user": user},
            "administrativeUnitInfos": [],
        }

    def _user(self, person: Person) -> Row:
        identity = self.tenant.identity
        return {
            "id": identity.user_id(person),
            "displayName": person.name,
            "tenantId": identity.tenant_of(person),
            "userPrincipalName": person.email if person.employed else None,
        }

    def _people(self, call: CallOf) -> list[Person | None]:
        """Who took part, in order of their joins; None once for everybody who isn't signed in."""
        if isinstance(call.people, tuple):
            return list(call.people)
        intervals = self.tenant.presence.intervals(call.people)
        return list(dict.fromkeys(one.person if one.signed_in else None for one in intervals))

    def _participants(self, call: CallOf) -> list[Row]:
        rows = []
        for number, person in enumerate(self._people(call)):
            if person is None:
                # a guest as recorded
                visitor = f"teamsvisitor:{self.tenant.identity.codes.digest(16, 'visitor', call.id, number).hex()}"
                user: Row = {"id": visitor, "displayName": None, "tenantId": None, "userPrincipalName": None}
            else:
                user = self._user(person)
            rows.append(self._participant(user))
        return rows

    def _sessions(self, call: CallOf) -> list[Row]:
        identity = self.tenant.identity
        return [
            {
                "id": identity.uuid("call session", call.id, number),
                "modalities": ["audio"],
                "startDateTime": instant(call.started_at, 7),
                "endDateTime": instant(call.ended_at, 7),
                "isTest": False,
                "caller": {"@odata.type": "#microsoft.graph.callRecords.participantEndpoint"},
                "callee": {"@odata.type": "#microsoft.graph.callRecords.serviceEndpoint"},
            }
            for number in range(len(self._people(call)))
        ]


def _window(conditions: list[Condition], now: datetime) -> tuple[datetime, datetime]:
    """What a filter leaves to look at."""
    begin, end = now - CALLS_KEPT, now
    for name, moment in conditions:
        if name in ("ge", "gt"):
            begin = max(begin, moment)
        else:
            end = min(end, moment)
    return begin, end


def _keeps(conditions: list[Condition], call: CallOf) -> bool:
    compare = {"ge": operator.ge, "gt": operator.gt, "le": operator.le, "lt": operator.lt}
    return all(compare[name](call.started_at, moment) for name, moment in conditions)


def _conditions(text: str) -> list[Condition]:
    """What a filter says.

    Raises:
        GraphError: 400 for whatever isn't a condition on the start.
    """
    found = []
    for part in text.split(" and ") if text else ():
        match = CONDITION.fullmatch(part.strip())
        moment = read(match[2]) if match else None
        if match is None or moment is None:
            raise bad_request(f"Invalid filter clause: '{part}' is not supported; startDateTime ge, gt, le or lt is.")
        found.append((match[1], moment))
    return found


def _key(call: CallOf) -> tuple[str, str]:
    return call.started_at.isoformat(), call.id
