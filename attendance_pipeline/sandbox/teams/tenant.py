"""One tenant's parts, and what a path's ids lead to there: users, meetings, occurrences, as policies allow."""

from collections.abc import Callable, Iterator
from datetime import datetime

from attendance_pipeline.sandbox.model import Occurrence, Person, Series
from attendance_pipeline.sandbox.organisation import Organisation
from attendance_pipeline.sandbox.teams.bookings import Bookings
from attendance_pipeline.sandbox.teams.errors import (
    CORRUPTED,
    NOT_ORGANIZER,
    OUT_OF_RANGE,
    GraphError,
    bad_request,
    forbidden,
)
from attendance_pipeline.sandbox.teams.identity import GUID, TeamsIdentity
from attendance_pipeline.sandbox.teams.options import TeamsOptions
from attendance_pipeline.sandbox.teams.presence import Presence
from attendance_pipeline.sandbox.teams.routes import Request
from attendance_pipeline.sandbox.teams.settling import MEETINGS_KEPT, REPORTS_KEPT, Settling

EVENT_KINDS = ("webinar", "town_hall")


class Tenant:
    """Finds what an app with a policy may see."""

    def __init__(
        self, organisation: Organisation, options: TeamsOptions, now: Callable[[], datetime], client_id: str
    ) -> None:
        self.organisation = organisation
        self.options = options
        self.now = now
        self.client_id = client_id
        self.bookings = Bookings(organisation, options)
        self.identity = TeamsIdentity(organisation, self.bookings)
        self.settling = Settling(organisation, options)
        self.presence = Presence(organisation)

    def check_policy(self, user_id: str) -> None:
        """Returns if the access policy covers this user, who must be the tenant's own.

        Raises:
            GraphError: 403 in the words seen in live answers.
        """
        if user_id not in self.identity.users or self.options.told(self.options.without_policy, user_id):
            raise forbidden(f"No application access policy found for this app {self.client_id} on the user {user_id}")

    def meeting(self, request: Request) -> Series:
        """The online meeting that a path names, if its user organised it.

        Raises:
            GraphError: 403 for whoever isn't the organizer, 400 for what isn't there, as recorded.
        """
        user_id, meeting_id = request.parts["user"], request.parts["meeting"]
        if not GUID.fullmatch(user_id):
            raise GraphError(404, "UnknownError", "")
        self.check_policy(user_id)
        try:
            series = self.identity.series_of(meeting_id)
        except ValueError:
            raise bad_request(CORRUPTED) from None
        if series is None or not self.is_meeting(series):
            raise bad_request(OUT_OF_RANGE)
        if self.identity.user_id(series.host) != user_id:
            raise forbidden(NOT_ORGANIZER)
        return series

    def is_meeting(self, series: Series) -> bool:
        """Whether the online meetings' API knows it: events have an API of their own."""
        return series.kind not in EVENT_KINDS or self.options.events_as_meetings

    def is_alive(self, series: Series) -> bool:
        """Whether the online meeting can still be looked up: 60 days after it was last held or was to be."""
        if series.only_on is not None:
            return self.now().date() - series.only_on <= MEETINGS_KEPT
        return next(self.organisation.occurrences_of(series, self.now(), MEETINGS_KEPT), None) is not None

    def reported(self, series: Series) -> Iterator[Occurrence]:
        """The occurrences of one series whose report is there, the latest first."""
        if self.options.told(self.options.reports_off, self.identity.series_id(series)):
            return
        now = self.now()
        for one in self.organisation.occurrences_of(series, now, REPORTS_KEPT):
            if one.vendor == "teams" and self.settling.has_report(one, now):
                yield one

    def report(self, report_id: str, among: tuple[Series, ...]) -> Occurrence:
        """The occurrence of one of these series that a report tells of.

        Raises:
            GraphError: 400 if there's no such report, as recorded.
        """
        found = self.identity.occurrence_of(report_id)
        if (
            found is None
            or found.kind == "live_event"
            or found.series.id not in {one.id for one in among}
            or not self.settling.has_report(found, self.now())
            or self.options.told(self.options.reports_off, self.identity.series_id(found.series))
        ):
            raise bad_request(OUT_OF_RANGE)
        return found

    def user(self, user_id: str) -> Person | None:
        """Who has this object id or, of the living, this user principal name."""
        by_name = (one for one in self.organisation.employees if one.email == user_id)
        found = self.identity.users.get(user_id) or next(by_name, None)
        return found if found is not None and found.status != "deleted" else None
