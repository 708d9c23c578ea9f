"""What a request to /meetings asks for: each documented filter, as a question about one occurrence."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from attendance_pipeline.sandbox.model import Occurrence
from attendance_pipeline.sandbox.organisation import Organisation
from attendance_pipeline.sandbox.webex.errors import invalid
from attendance_pipeline.sandbox.webex.identity import WebexIdentity
from attendance_pipeline.sandbox.webex.routes import Request
from attendance_pipeline.sandbox.webex.settling import state_of
from attendance_pipeline.sandbox.webex.sites import SITES, Sites
from attendance_pipeline.sandbox.webex.windows import Window, list_window

KINDS = ("meetingSeries", "scheduledMeeting", "meeting")
STATES = ("", "active", "scheduled", "ready", "lobby", "inProgress", "ended", "missed", "expired")
SCHEDULED_TYPES = ("", "meeting", "webinar", "personalRoomMeeting")
FEATURES = (
    *("hasChat", "hasRecording", "hasTranscription", "hasSummary", "hasClosedCaption"),
    *("hasPolls", "hasQA", "hasSlido"),
)


@dataclass(frozen=True, slots=True)
class Listing:
    """The filters of one request; "" asks nothing."""

    now: datetime
    window: Window
    state: str
    scheduled_type: str
    series: str
    site: str
    user: str
    features: dict[str, bool]
    of_nothing: bool
    """Asks for a space's meetings, or for those with a tag: none here has either."""

    @classmethod
    def of(cls, request: Request, now: datetime) -> Self:
        """Reads the request; a series' id makes two of the filters void.

        Raises:
            WebexError: 400 for what can't be asked for. Series and their occurrences are not modelled here, so a
                request for those gets it, too.
        """
        query = request.query
        if request.choice("meetingType", KINDS) != "meeting" or "meetingNumber" in query or "webLink" in query:
            raise invalid("meetingType")
        state, series = request.choice("state", STATES), query.get("meetingSeriesId", "")
        features = {name: request.choice(name, ("true", "false")) == "true" for name in FEATURES if name in query}
        if features and state != "ended":
            raise invalid("state")
        return cls(
            now=now,
            window=list_window(query, now),
            state=state,
            scheduled_type="" if series else request.choice("scheduledType", SCHEDULED_TYPES),
            series=series,
            site="" if series else request.choice("siteUrl", ("", *SITES)),
            user=query.get("hostEmail", ""),
            features=features,
            of_nothing="integrationTag" in query or "roomId" in query,
        )

    def holds(self, occurrence: Occurrence, identity: WebexIdentity, places: Sites) -> bool:
        """Whether the filters let an occurrence pass, but for the features; the window's end is exclusive."""
        return (
            not self.of_nothing
            and occurrence.started_at < self.window[1]
            and self.state in ("", state_of(occurrence, self.now))
            and self.scheduled_type in ("", occurrence.kind)
            and self.series in ("", identity.series_id(occurrence.series))
            and (not self.site or places.site_of(occurrence.series) == self.site)
            and (not self.user or _is_theirs(occurrence, self.user, identity.organisation))
        )

    def has_features(self, row: dict[str, object]) -> bool:
        """Whether a row says of every feature what is asked for."""
        return all(row[name] is wanted for name, wanted in self.features.items())


def _is_theirs(occurrence: Occurrence, email: str, organisation: Organisation) -> bool:
    """Hosted by this user, or attended: whom `hostEmail` names is shown what they were invited to, too."""
    stays = organisation.stays(occurrence)
    return occurrence.host.email == email or any(stay.person.email == email for stay in stays)
