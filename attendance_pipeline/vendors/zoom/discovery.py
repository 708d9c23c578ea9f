"""Which Zoom meetings and webinars ended: account-wide where the account may, else host by host.

Facts: Zoom's reference of `/report/history_meetings`, `/users`, `/report/users`, `/report/users/{id}/meetings`.
All of them list six months back and a month at a time, by dates whose zone isn't documented.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from urllib.parse import quote

import msgspec

from attendance_pipeline.errors import UsageError
from attendance_pipeline.http.errors import RefusedError
from attendance_pipeline.http.session import Session, nameless
from attendance_pipeline.vendor_json import decode
from attendance_pipeline.vendors.base import Discovery, Keep, together
from attendance_pipeline.vendors.paging import TokenPaging, walk
from attendance_pipeline.vendors.zoom.account import PAGE_SIZE, Page, Refusal, token_died
from attendance_pipeline.windows import Window, request_windows

REACH = timedelta(days=180)
"""Six months; a start date exactly at six months drifts out of range, so a little less."""
SPAN = timedelta(days=30)
"""One month: what that means in days isn't documented, users find that 30 are allowed."""
ZONE_OVERLAP = timedelta(days=1)
LONGEST_MEETING = timedelta(days=2)
"""Hosts' lists select by start, and we want what ended: they are asked that much earlier."""

HISTORY = "history_meetings"
USER_MEETINGS = "user_meetings"
NOT_A_HOST = frozenset({1001, 1010, 3161})
"""The user is gone, of another account, or may not host: skipped, and counted."""


class HistoryPage(Page, kw_only=True):
    """A page of `/report/history_meetings`."""

    history_meetings: list[msgspec.Raw]


class UserMeetingsPage(Page, kw_only=True):
    """A page of `/report/users/{id}/meetings`."""

    meetings: list[msgspec.Raw]


class User(msgspec.Struct):
    """A user, as far as asking for their meetings needs it."""

    id: str | None = None
    email: str | None = None


class UsersPage(Page, kw_only=True):
    """A page of `/users` or `/report/users`."""

    users: list[User]


class _Count(msgspec.Struct):
    participants: int | None = None


class _Counts(msgspec.Struct):
    history_meetings: list[_Count]


_HISTORY = msgspec.json.Decoder(HistoryPage)
_MEETINGS = msgspec.json.Decoder(UserMeetingsPage)
_USERS = msgspec.json.Decoder(UsersPage)
_COUNTS = msgspec.json.Decoder(_Counts)


async def discover(session: Session, days: Sequence[date], today: date, keep: Keep) -> Discovery:
    """Ask for every meeting and webinar that ended on `days`, and keep each page as it arrives.

    Raises:
        UsageError: a day lies beyond the reach.
        VendorError: Zoom is down, refuses every route, or has no requests left today.
    """
    ended = _windows(days, today, before=ZONE_OVERLAP)
    started = _windows(days, today, before=LONGEST_MEETING + ZONE_OVERLAP)
    refusal, names_solos = await _account_wide(session, ended, keep)
    if refusal is not None:
        found = Discovery(route="host by host", reason=f"the account-wide list was refused ({refusal})")
        types, hosts = ["past", "pastOne"], await _hosts(session, started, keep, everyone=True)
    elif names_solos:
        return Discovery(route="account-wide", reason="the account may read /report/history_meetings")
    else:
        found = Discovery(
            route="account-wide, one-participant meetings host by host",
            reason="/report/history_meetings names no meeting with one participant",
        )
        types, hosts = ["pastOne"], await _hosts(session, started, keep, everyone=False)
    await together(_host(session, host, types, started, keep, found) for host in sorted(hosts))
    return found


def _windows(days: Sequence[date], today: date, before: timedelta) -> list[Window]:
    return request_windows(days, span=SPAN, before=before, after=ZONE_OVERLAP, earliest=today - REACH, latest=today)


async def _account_wide(session: Session, windows: list[Window], keep: Keep) -> tuple[Refusal | None, bool]:
    """The refusal, if there is one, and whether one-participant meetings are among the rows.

    Whether the list holds them isn't documented, so it is read off the answers.
    """
    names_solos = False
    for window in windows:
        query = _dates(window) | {"date_type": "end_time", "meeting_type": "all"}
        pages = walk(
            session,
            TokenPaging("/report/history_meetings", query, token_died),
            _HISTORY,
            "heavy",
            kind=HISTORY,
            window=window,
        )
        async for document, page in pages:
            if page is None:
                refusal = Refusal.read(document.status, document.body)
                keep(replace(document, outcome="denied", reason=str(refusal)))
                _stop_beyond_reach(refusal)
                return refusal, False
            keep(document)
            names_solos = names_solos or _names_solos(document.body)
    return None, names_solos


async def _hosts(session: Session, windows: list[Window], keep: Keep, *, everyone: bool) -> set[str]:
    """Who may have hosted: the hosts that the usage report names and, for `everyone`, all users.

    Deleted users are in the usage report only, inactive ones may own meetings of before.
    """
    lists = [("/report/users", _dates(window) | {"type": "active"}, "heavy", window) for window in windows]
    if everyone:
        whole = Window(windows[0].first, windows[-1].last)
        for status in ("active", "inactive"):
            lists.append(("/users", {"status": status, "page_size": PAGE_SIZE}, "medium", whole))
    hosts = set()
    for path, query, label, window in lists:
        kind = path.strip("/").replace("/", "_")
        pages = walk(session, TokenPaging(path, query, token_died), _USERS, label, kind=kind, window=window)
        async for document, page in pages:
            if page is None:
                keep(replace(document, outcome="denied"))
                raise _refused(Refusal.read(document.status, document.body), document.request)
            keep(document)
            hosts |= {user.id or user.email or "" for user in page.users}
    return hosts - {""}


async def _host(
    session: Session, host: str, types: Sequence[str], windows: list[Window], keep: Keep, found: Discovery
) -> None:
    path = f"/report/users/{quote(host, safe='')}/meetings"
    for kind_of_list in types:
        for window in windows:
            query = _dates(window) | {"type": kind_of_list}
            pages = walk(
                session,
                TokenPaging(path, query, token_died),
                _MEETINGS,
                "heavy",
                kind=USER_MEETINGS,
                subject=host,
                window=window,
            )
            async for document, page in pages:
                if page is None:
                    refusal = Refusal.read(document.status, document.body)
                    if refusal.code not in NOT_A_HOST:
                        keep(replace(document, outcome="denied", reason=str(refusal)))
                        raise _refused(refusal, document.request)
                    keep(replace(document, outcome="gone", reason=str(refusal)))
                    found.skipped[str(refusal)] = found.skipped.get(str(refusal), 0) + 1
                    return
                keep(document)


def _dates(window: Window) -> dict[str, str]:
    return {"from": window.first.isoformat(), "to": window.last.isoformat(), "page_size": PAGE_SIZE}


def _names_solos(body: bytes) -> bool:
    try:
        return any(row.participants == 1 for row in decode(_COUNTS, body).history_meetings)
    except msgspec.ValidationError:
        return False


def _stop_beyond_reach(refusal: Refusal) -> None:
    if refusal.code == 300 and "six months" in refusal.message:
        raise UsageError(
            "zoom lists ended meetings of the last six months only and says these dates are older; "
            "begin later with --from"
        )


def _refused(refusal: Refusal, request: str) -> RefusedError:
    """The error for a list that Zoom won't give; Zoom's text stays in the archive, it may name people."""
    refusal.raise_if_general(request)
    _stop_beyond_reach(refusal)
    return RefusedError(
        f"zoom refused GET {nameless(request)} ({refusal}); run attendance-pipeline doctor to see what is missing"
    )
