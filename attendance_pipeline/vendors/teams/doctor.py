"""What a pull from Graph needs, tried call by call."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from attendance_pipeline.http.errors import RefusedError
from attendance_pipeline.http.session import Answer, Session
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendor_json import decode
from attendance_pipeline.vendors.base import Check
from attendance_pipeline.vendors.teams.account import (
    CALENDARS,
    CALLS,
    EVENTS,
    NEEDS,
    ONLINE_MEETINGS,
    PAGE,
    REPORTS,
    USERS,
    Page,
    Refusal,
)
from attendance_pipeline.vendors.teams.discovery import (
    calendar_path,
    call_records_path,
    horizon,
    own_tenant,
    users_path,
)
from attendance_pipeline.vendors.teams.documented import CallOrganizer
from attendance_pipeline.vendors.teams.finding import ANYTHING, lookup_path
from attendance_pipeline.vendors.teams.named import EVENT_PATHS, TOWN_HALLS, WEBINARS, Home, is_foreign
from attendance_pipeline.windows import TimeWindow, first_whole_date

NOBODY = "00000000-0000-0000-0000-000000000000"
"""An id that nobody has: a refusal of the call itself says that the permission lacks."""
TRIED = 10
"""Recent organizers, of whom it is tried whether the access policy covers them."""


class _User(msgspec.Struct):
    id: str


@dataclass(frozen=True)
class _Organizer:
    """An organizer, with a join URL and the tenant of theirs."""

    id: str
    join_url: str
    tenant: str | None


class _Call(msgspec.Struct, rename="camel"):
    join_web_url: str | None = None
    organizer_v2: CallOrganizer | None = msgspec.field(default=None, name="organizer_v2")


_USER = msgspec.json.Decoder(_User)
_CALL = msgspec.json.Decoder(_Call)


async def doctor(session: Session, settings: Settings, now: datetime) -> AsyncIterator[Check]:
    """Mint a token, then try each call that a pull makes; of the access policy, whether it covers some organizers."""
    lists = {
        "call_records": (CALLS, call_records_path(TimeWindow(now - timedelta(days=7), now))),
        "calendar": (USERS, users_path("1")),
        WEBINARS: (EVENTS, EVENT_PATHS[WEBINARS]),
        TOWN_HALLS: (EVENTS, EVENT_PATHS[TOWN_HALLS]),
    }
    organizers: list[_Organizer] = []
    for position, route in enumerate(settings.teams_route_names):
        need, path = lists[route]
        try:
            answer = await session.get(path, {}, PAGE, need)
        except RefusedError as error:
            yield Check("credentials", False, str(error))
            return
        if position == 0:
            yield Check("credentials", True, "the login gave a token")
        refusal = _refusal(answer)
        yield _event_list(route, refusal) if need == EVENTS else _judge(need, refusal)
        if route == "call_records" and answer.content:
            organizers = _organizers(answer.content, own_tenant(settings))
        if route == "calendar" and answer.content and answer.content.value:
            yield await _calendar(session, answer.content, now)
    async for check in _reports(session, settings, organizers):
        yield check
    yield Check(
        "reach",
        True,
        f"call records go back to {first_whole_date(horizon(now))}, calendars and reports for a year, "
        "join URLs are looked up for 60 days",
    )


async def _calendar(session: Session, users: Page, now: datetime) -> Check:
    user = decode(_USER, bytes(users.value[0])).id
    path = calendar_path(user, TimeWindow(now - timedelta(days=1), now), "1")
    refusal = _refusal(await session.get(path, {}, ANYTHING, CALENDARS))
    # A user without a mailbox says nothing about the permission.
    return _judge(CALENDARS, None if refusal and refusal.status == 404 else refusal)


async def _reports(session: Session, settings: Settings, organizers: Sequence[_Organizer]) -> AsyncIterator[Check]:
    """The permissions for reports, and the access policy of recent organizers."""
    if {"call_records", "calendar"} & set(settings.teams_route_names):
        nobody = _Organizer(NOBODY, "https://teams.microsoft.com/l/meetup-join/nobody", None)
        refused = await _lookup(session, nobody)
        yield _judge(ONLINE_MEETINGS, refused if refused and refused.lacks_role else None)
    path = f"{Home('', NOBODY, NOBODY).path}/attendanceReports"
    refused = _refusal(await session.get(path, {}, ANYTHING, REPORTS))
    yield _judge(REPORTS, refused if refused and refused.lacks_role else None)
    refusals = {organizer: await _lookup(session, organizer) for organizer in organizers}
    covered = [organizer for organizer, refusal in refusals.items() if refusal is None]
    ours = {organizer.tenant for organizer in covered}
    # Where the settings name our tenant by its domain, a tenant of which somebody is covered is ours.
    uncovered = [
        organizer
        for organizer, refusal in refusals.items()
        if refusal and refusal.lacks_policy and (own_tenant(settings) or not ours or organizer.tenant in ours)
    ]
    if not organizers:
        yield Check("access policy", True, "not tried: no call record of the last days names an organizer")
    elif uncovered:
        yield Check("access policy", False, _grant(settings, len(uncovered), len(covered) + len(uncovered)))
    else:
        yield Check("access policy", True, f"covers {len(covered)} of {len(covered)} recent organizers")


async def _lookup(session: Session, organizer: _Organizer) -> Refusal | None:
    path = lookup_path(organizer.id, organizer.join_url)
    return _refusal(await session.get(path, {}, ANYTHING, ONLINE_MEETINGS))


def _refusal(answer: Answer[Any]) -> Refusal | None:
    return Refusal.read(answer.status, answer.body) if answer.content is None else None


def _grant(settings: Settings, uncovered: int, tried: int) -> str:
    return (
        f"{uncovered} of {tried} recent organizers aren't covered, so their meetings can't be read. A Teams "
        "administrator grants it in PowerShell (it takes up to 30 minutes to take effect):\n"
        "    Connect-MicrosoftTeams\n"
        f'    New-CsApplicationAccessPolicy -Identity Attendance-policy -AppIds "{settings.teams_client_id}" '
        '-Description "Attendance reports"\n'
        "    Grant-CsApplicationAccessPolicy -PolicyName Attendance-policy -Global"
    )


def _organizers(page: Page, tenant: str) -> list[_Organizer]:
    """Some recent organizers of our tenant, as far as that can be told."""
    found: dict[str, _Organizer] = {}
    for row in page.value:
        call = decode(_CALL, bytes(row))
        user = call.organizer_v2.identity.user if call.organizer_v2 and call.organizer_v2.identity else None
        if user is None or not user.id or not call.join_web_url or is_foreign(user, tenant):
            continue
        if len(found) < TRIED:
            found.setdefault(user.id, _Organizer(user.id, call.join_web_url, user.tenant_id))
    return list(found.values())


def _event_list(route: str, refusal: Refusal | None) -> Check:
    purpose = route.replace("_", " ")
    if refusal and refusal.status != 403:
        return Check(f"{NEEDS[EVENTS].role} ({purpose})", True, f"{purpose} aren't offered here ({refusal})")
    return _judge(EVENTS, refusal, purpose)


def _judge(need: str, refusal: Refusal | None, purpose: str = "") -> Check:
    name = f"{NEEDS[need].role} ({purpose or NEEDS[need].purpose})"
    if refusal is None:
        return Check(name, True, "allowed")
    return Check(name, False, str(refusal.error(need)))
