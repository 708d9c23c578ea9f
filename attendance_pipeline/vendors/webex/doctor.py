"""What a Webex pull needs, tried call by call."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import msgspec

from attendance_pipeline.http.errors import RefusedError
from attendance_pipeline.http.session import Session
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors.base import Check
from attendance_pipeline.vendors.webex import account
from attendance_pipeline.vendors.webex.account import LABEL, NEEDS, NOBODY, Refusal, horizon, text
from attendance_pipeline.vendors.webex.discovery import SITES_PAGE
from attendance_pipeline.vendors.webex.tokens import refresh_token
from attendance_pipeline.windows import first_whole_date

_ANYTHING = msgspec.json.Decoder(dict)


async def doctor(session: Session, settings: Settings, now: datetime) -> AsyncIterator[Check]:
    """Mint a token, then try each call that a pull makes, on every site."""
    sites = settings.webex_sites
    yesterday = {"from": text(now - timedelta(days=1)), "to": text(now), "max": "1"}
    try:
        answer = await session.get(account.SITES, {}, SITES_PAGE, LABEL)
    except RefusedError as error:
        yield Check("credentials", False, str(error))
        return
    yield Check("credentials", True, _how_long(settings, now))
    if not sites:
        if answer.content is not None:
            sites = [site.site_url for site in answer.content.sites if site.site_url]
        yield _judge(account.SITES, "", answer.status, answer.body)
        if answer.content is not None and not sites:
            yield Check("sites", False, "Webex names none of this account; set WEBEX_SITE_URLS")
    calls = [(account.MEETINGS, "", yesterday | {"meetingType": "meeting", "state": "ended"})]
    for site in sites:
        calls.append((account.USAGE, site, yesterday | {"siteUrl": site}))
        calls.append((account.ATTENDEES, site, yesterday | {"siteUrl": site, "meetingId": NOBODY}))
    calls.append((account.PARTICIPANTS, "", {"meetingId": NOBODY}))
    for path, site, query in calls:
        asked = await session.get(path, query, _ANYTHING, LABEL)
        yield _judge(path, site, asked.status, asked.body, nobody=query.get("meetingId") == NOBODY)
    yield Check("reach", True, f"lists and reports go back to {first_whole_date(horizon(now))}")


def _judge(path: str, site: str, status: int, body: bytes, *, nobody: bool = False) -> Check:
    name = f"{path} ({f'{site}, ' if site else ''}{NEEDS[path].purpose})"
    refusal = Refusal.read(status, body)
    if status < 400 or (nobody and status in (400, 404) and refusal.tracking_id):
        return Check(name, True, "allowed")
    return Check(name, False, str(refusal.error(path, site)))


def _how_long(settings: Settings, now: datetime) -> str:
    kept = refresh_token(settings, lambda: now)
    if kept is None:
        return "Webex takes the personal access token, which lives for 12 hours; it can't be renewed"
    ends = kept.ends_at()
    return "Webex gave a token" + (f"; the refresh token lasts until {ends:%Y-%m-%d} unless used" if ends else "")
