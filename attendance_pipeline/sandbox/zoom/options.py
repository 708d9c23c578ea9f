"""What can differ between one Zoom account and another, and where the documents leave Zoom's answer open."""

from dataclasses import dataclass
from typing import Literal

# granular scopes of the Server-to-Server app, one per call; /report/daily has none listed
SCOPES = (
    "user:read:list_users:admin",
    "report:read:list_users:admin",
    "report:read:user:admin",
    "report:read:list_history_meetings:admin",
    "report:read:meeting:admin",
    "report:read:list_meeting_participants:admin",
    "report:read:webinar:admin",
    "report:read:list_webinar_participants:admin",
    "meeting:read:list_past_instances:admin",
    "webinar:read:list_past_instances:admin",
    "dashboard:read:list_meeting_participants:admin",
)


@dataclass
class ZoomOptions:
    """One account's plan, rights and habits; may be changed while the sandbox runs."""

    plan: Literal["pro", "business"] = "pro"
    """Chooses the rate limits; only a business account may have the dashboard."""
    rate_limits: bool = True
    """Whether limits are held at all; their headers are sent either way."""
    daily_limit: int | None = None
    """Heavy calls per UTC day, instead of the plan's."""
    latency_seconds: float = 0
    """Every answer waits so long."""
    token_seconds: int = 3_600
    """Life of an access token."""
    page_token_seconds: int = 900
    """Life of a next_page_token."""
    scopes: tuple[str, ...] = SCOPES
    history_meetings: bool = True
    """False: /report/history_meetings is refused with 400 code 200."""
    history_includes_solo: bool = False
    """Whether /report/history_meetings lists one-participant meetings: not documented."""
    solo_report: Literal["empty", "missing"] = "empty"
    """What the participants report answers for a one-participant meeting: not documented."""
    dashboard: bool = False
    """Whether /metrics works; needs the business plan too."""
