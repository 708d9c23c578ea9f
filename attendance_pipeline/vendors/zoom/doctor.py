"""What a Zoom pull needs, tried call by call."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from urllib.parse import quote

import msgspec

from attendance_pipeline.http.errors import RefusedError
from attendance_pipeline.http.session import Session
from attendance_pipeline.vendors.base import Check
from attendance_pipeline.vendors.zoom.account import Refusal
from attendance_pipeline.vendors.zoom.discovery import REACH

_ANYTHING = msgspec.json.Decoder(dict)

NOBODY = quote("AAAAAAAAAAAAAAAAAAAAAA==", safe="")
"""An id that no meeting and no user has: 404 means that the call itself is allowed."""
NOT_FOUND = frozenset({1001, 3001})

NEEDED = (
    # path, the granular scope, what it is for
    ("/report/history_meetings", "report:read:list_history_meetings:admin", "ended meetings, account-wide"),
    ("/report/users", "report:read:list_users:admin", "who hosted"),
    ("/users", "user:read:list_users:admin", "ended meetings host by host, where account-wide is refused"),
    (f"/report/users/{NOBODY}/meetings", "report:read:user:admin", "a host's ended meetings"),
    (f"/report/meetings/{NOBODY}/participants", "report:read:list_meeting_participants:admin", "attendance"),
    (f"/report/meetings/{NOBODY}", "report:read:meeting:admin", "one-participant meetings"),
    (f"/report/webinars/{NOBODY}/participants", "report:read:list_webinar_participants:admin", "webinars"),
    (f"/report/webinars/{NOBODY}", "report:read:webinar:admin", "one-participant webinars"),
)


async def doctor(session: Session, today: date) -> AsyncIterator[Check]:
    """Mint a token, then try each call that a pull makes.

    The classic scopes `report:read:admin` and `user:read:admin` serve as well as the granular ones.
    """
    dates = {"from": (today - timedelta(days=1)).isoformat(), "to": today.isoformat(), "page_size": "30"}
    for index, (path, scope, purpose) in enumerate(NEEDED):
        label = "medium" if path == "/users" else "heavy"
        query = dates if path.startswith(("/report/users", "/report/history")) else {}
        try:
            answer = await session.get(path, query, _ANYTHING, label)
        except RefusedError as error:
            yield Check("credentials", False, str(error))
            return
        if index == 0:
            yield Check("credentials", True, "Zoom gave a token")
        name = f"{path.replace(NOBODY, '{id}')} ({purpose})"
        refusal = None if answer.status < 400 else Refusal.read(answer.status, answer.body)
        if refusal is None or (NOBODY in path and refusal.code in NOT_FOUND):
            yield Check(name, True, "allowed")
        elif refusal.scopes:
            yield Check(name, False, f"{refusal}: add the scope {scope}, then activate the app again")
        else:
            yield Check(name, False, f"{refusal}: needs the scope {scope} and the role permission Usage Reports")
    yield Check("reach", True, f"lists go back to {today - REACH}; a known UUID stays readable for a year")
