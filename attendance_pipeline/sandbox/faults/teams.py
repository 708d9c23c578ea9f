"""Graph: links to further pages in the body, calls inside of calls, intervals inside of rows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from attendance_pipeline.sandbox.faults.dialect import Asked, Dialect, Interval, Row
from attendance_pipeline.sandbox.teams import batch
from attendance_pipeline.sandbox.teams.api import LOGIN
from attendance_pipeline.sandbox.teams.errors import OUT_OF_RANGE, THROTTLED, GraphError, bad_request
from attendance_pipeline.sandbox.teams.paging import link, offset_of, token_of
from attendance_pipeline.sandbox.teams.routes import API, BATCH, Request, request_of
from attendance_pipeline.sandbox.teams.tokens import LoginError
from attendance_pipeline.sandbox.wire import Answer, Call

REPORTS = {
    **dict.fromkeys(("reports.report", "reports.records", "events.report", "events.records"), "report"),
    **dict.fromkeys(("live.attendees", "live.recording"), "meeting"),
    "events.registrations": "event",
}
"""By what answers it, which part of a report's path names the meeting."""

RECORDS = "attendanceRecords"


class TeamsDialect(Dialect):
    """See `Dialect`."""

    rows_names: ClassVar[Sequence[str]] = (RECORDS, "value")
    id_names: ClassVar[Sequence[str]] = ("id",)
    end_names: ClassVar[Sequence[str]] = ("meetingEndDateTime",)

    def asked(self, call: Call) -> Asked:
        """See `Dialect.asked`."""
        if call.path.startswith(f"{LOGIN}/"):
            return Asked("token")
        if not call.path.startswith(f"{API}/"):
            return Asked("download")
        request = self._request(call)
        if request is not None and request.route.handler in REPORTS:
            return Asked("report", request.parts[REPORTS[request.route.handler]])
        return Asked("list")

    def inside(self, call: Call) -> list[Call]:
        """See `Dialect.inside`."""
        if not call.path.endswith(BATCH):
            return []
        return batch.inside(call, call.path.removesuffix(BATCH))

    def place(self, call: Call) -> int:
        """See `Dialect.place`."""
        request = self._request(call)
        return offset_of(request) if request is not None else 0

    def from_the_start(self, call: Call) -> Call:
        """See `Dialect.from_the_start`."""
        return replace(call, query={name: said for name, said in call.query.items() if name != "$skiptoken"})

    def continued(self, call: Call, answer: Answer, place: int, base: str = "") -> Answer:
        """See `Dialect.continued`; a report with its records in it goes on in the list of its records."""
        request = self._request(call)
        assert request is not None  # noqa: S101 - it was answered with rows
        address, following = f"{base or self.url()}{call.path}", {"$skiptoken": token_of(place)}
        if RECORDS not in self._body(answer):
            return self._with(answer, {"@odata.nextLink": link(request, following, address)})
        alone = replace(request, query={})
        return self._with(answer, {f"{RECORDS}@odata.nextLink": link(alone, following, f"{address}/{RECORDS}")})

    def ended(self, answer: Answer) -> Answer:
        """See `Dialect.ended`."""
        return self._with(answer, {name: None for name in self._body(answer) if name.endswith("@odata.nextLink")})

    def throttled(self, call: Call) -> Answer:
        """See `Dialect.throttled`."""
        return GraphError(429, "TooManyRequests", THROTTLED).answer(call, self.now())

    def unauthorized(self, call: Call) -> Answer:
        """See `Dialect.unauthorized`."""
        text = "Access token validation failure."
        return GraphError(401, "InvalidAuthenticationToken", text).answer(call, self.now())

    def no_token(self, call: Call) -> Answer:
        """See `Dialect.no_token`."""
        return LoginError(401, "invalid_client", 7000215, "Invalid client secret provided.").answer(self.now())

    def unknown_meeting(self, call: Call, meeting: str) -> Answer:
        """See `Dialect.unknown_meeting`."""
        return bad_request(OUT_OF_RANGE).answer(call, self.now())

    def forgotten_place(self, call: Call) -> Answer:
        """See `Dialect.forgotten_place`."""
        return bad_request("The skip token is invalid.").answer(call, self.now())

    def interval(self, row: Row) -> Interval | None:
        """See `Dialect.interval`."""
        intervals = row.get("attendanceIntervals")
        return Interval(intervals[0], "joinDateTime", "leaveDateTime", "durationInSeconds") if intervals else None

    def _request(self, call: Call) -> Request | None:
        try:
            return request_of(call, self.url()) if call.path.startswith(f"{API}/") else None
        except GraphError:
            return None
