"""What can differ between one tenant and another, and where the documents leave Graph's answer open."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

ROLES = (
    "CallRecords.Read.All",
    "OnlineMeetings.Read.All",
    "OnlineMeetingArtifact.Read.All",
    "VirtualEvent.Read.All",
    "User.Read.All",
    "Calendars.Read",
)


@dataclass
class TeamsOptions:
    """One tenant's consents, policies and habits; may be changed while the sandbox runs.

    Where an option is told a series, it's told by what the truth calls `series_id`: the online meeting's id, of a
    webinar or town hall the event's.
    """

    rate_limits: bool = True
    """Whether limits are held at all."""
    latency_seconds: float = 0
    """Every answer waits so long; a batch once."""
    token_seconds: int = 3_599
    """Life of an access token."""
    secret_expired: bool = False
    """Whether the client's secret is out of date."""
    certificate: str | None = None
    """A certificate in PEM, whose key may sign assertions instead of the secret; None for none."""
    roles: tuple[str, ...] = ROLES
    """Consented application permissions; a token has those that were consented when it was issued."""
    without_policy: Callable[[str], bool] | None = None
    """Tells by object id which of the tenant's users the application access policy leaves out."""
    without_mailbox: Callable[[str], bool] | None = None
    """Tells by object id who has no mailbox; deleted users have none either."""

    call_record_delay: tuple[int, int] = (1_800, 9_000)
    """Seconds from a call's end until it's listed, at least and at most; each has its own."""
    report_delay: tuple[int, int] = (300, 1_200)
    """Seconds from a meeting's end until its report is there, at least and at most; each has its own."""
    hidden_from_call_records: Callable[[str], bool] | None = None
    """Tells by report id (of a live event by online meeting id) whose call is never recorded."""
    stray_calls: bool = True
    """Whether there are calls without a meeting: between two people, and of groups without a join URL."""
    foreign_calls: bool = True
    """Whether there are calls to meetings that a user of another tenant organised."""

    hidden_from_calendar: Callable[[str], bool] | None = None
    """Tells by series what no calendar has; meetings started ad hoc and people's own rooms are in none anyway."""
    unheld: bool = True
    """Whether calendars hold meetings that never took place."""
    channels: bool = True
    """Whether some recurring meetings are held in channels, two to a channel."""
    missing_meeting: Literal["empty", "not_found"] = "empty"
    """What looking up an unknown or expired JoinWebUrl answers; both have been seen."""
    events_as_meetings: bool = False
    """Whether webinars and town halls are found by JoinWebUrl too: not documented."""

    reports_off: Callable[[str], bool] | None = None
    """Tells by series where no report is made: their lists are empty."""
    identity_only: Callable[[str], bool] | None = None
    """Tells by series whose reports say who was there, and nothing of when."""
    list_refused: Callable[[str], bool] | None = None
    """Tells by online meeting id whose reports only beta's /meetingAttendanceReport gives, the latest alone."""
    newest_first: bool = True
    """The order of a list of reports: not documented."""
    odata_types: bool = False
    """Whether records and identities say of what type they are; in recorded answers they don't."""
    records_page_size: int = 100
    """Records a page: not documented."""
    events_page_size: int = 100
    """Webinars or town halls a page: not documented."""
    session_times: Literal["object", "text"] = "object"
    """How a list of sessions tells times: the metadata and the page's example disagree."""
    live_events: Literal["served", "gone"] = "served"
    """Whether what was kept of live events can still be had."""
    link_seconds: int = 60
    """Life of a download link."""
    throttled_in_batch: Callable[[str], bool] | None = None
    """Tells by a batch item's relative URL whether it's answered with 429; asked again each time."""

    def told(self, option: Callable[[str], bool] | None, about: str) -> bool:
        """What one of the options above says about an id; unset says no."""
        return option is not None and option(about)
