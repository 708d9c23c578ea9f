"""What can differ between one Webex organisation and another, and where the documents leave Webex's answer open."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

# "Meetings API Scopes" of the page "Meetings Overview", for an administrator
SCOPES = (
    "meeting:admin_schedule_read",
    "meeting:admin_participants_read",
    "meeting:admin_config_read",
    "meeting:admin_preferences_read",
)


@dataclass
class WebexOptions:
    """One organisation's rights and habits; may be changed while the sandbox runs."""

    rate_limits: bool = True
    """Whether the limit is held at all."""
    rate_limit: int = 300
    """Requests of the token's owner in any window: "around 300 requests per minute" (page "REST API Basics")."""
    rate_window_seconds: float = 60
    """Of real time, and sliding."""
    latency_seconds: float = 0
    """Every answer waits so long."""
    token_seconds: int = 1_209_599
    """Life of an access token."""
    refresh_token_seconds: int = 7_775_999
    """Life of a refresh token, counted from its last use."""
    rotate_refresh_tokens: bool = False
    """Whether each refresh hands out a new refresh token, and the old one dies."""
    personal_token: str = "sandbox-webex-personal-token"  # noqa: S105
    """A personal access token that is good for every call and never expires; "" for none."""
    scopes: tuple[str, ...] = SCOPES
    usage_delay: tuple[int, int] = (2 * 3_600, 23 * 3_600)
    """Seconds from a meeting's end until attendance is complete, at least and at most; each meeting has its own."""
    hidden_from_usage: Callable[[str], bool] | None = None
    """Tells by instance id what /meetingReports/usage never lists."""
    hidden_from_meetings: Callable[[str], bool] | None = None
    """Tells by instance id what /meetings never lists."""
    listing_cap: int = 10_000
    """Instances that one listing of /meetings shows, all pages together."""
    participants_link: bool = False
    """Whether /meetingParticipants has pages: no Link is declared, so by default it ends after `max` rows."""
    page_over: int | None = None
    """A page with a larger `max` than this takes too long and is answered with 504."""
    next_link: Literal["whole", "filterless", "empty_page"] = "whole"
    """What a next link holds: everything; nothing but the offset and `max=null`; everything, but the second page
    is empty and has a next link too. All three have been seen or are documented."""
