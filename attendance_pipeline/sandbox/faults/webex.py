"""Webex: links to further pages in a header, two reports about a meeting."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar
from urllib.parse import urlencode

from attendance_pipeline.sandbox.faults.dialect import Asked, Dialect, Interval, Row
from attendance_pipeline.sandbox.webex.errors import NO_DATA, NO_MEETING, UNAUTHORIZED, WebexError, invalid
from attendance_pipeline.sandbox.webex.limits import BODY
from attendance_pipeline.sandbox.webex.routes import API, ROUTES, TOKEN
from attendance_pipeline.sandbox.wire import Answer, Call

REPORTS = ("attendees", "participants")


class WebexDialect(Dialect):
    """See `Dialect`."""

    rows_names: ClassVar[Sequence[str]] = ("items", "sites")
    id_names: ClassVar[Sequence[str]] = ("id", "meetingId")
    end_names: ClassVar[Sequence[str]] = ("end",)

    def asked(self, call: Call) -> Asked:
        """See `Dialect.asked`."""
        if call.path == TOKEN:
            return Asked("token")
        route = ROUTES.get(call.path.removeprefix(API))
        if route is not None and route.handler in REPORTS:
            return Asked("report", call.query.get("meetingId", ""))
        return Asked("list")

    def place(self, call: Call) -> int:
        """See `Dialect.place`."""
        return int(call.query.get("offset", "0"))

    def from_the_start(self, call: Call) -> Call:
        """See `Dialect.from_the_start`."""
        return replace(call, query={name: said for name, said in call.query.items() if name != "offset"})

    def continued(self, call: Call, answer: Answer, place: int, base: str = "") -> Answer:
        """See `Dialect.continued`."""
        query = urlencode(call.query | {"offset": str(place)})
        link = f'<{base or self.url()}{call.path}?{query}>; rel="next"'
        return replace(answer, headers=answer.headers | {"Link": link})

    def ended(self, answer: Answer) -> Answer:
        """See `Dialect.ended`."""
        return replace(answer, headers={name: said for name, said in answer.headers.items() if name != "Link"})

    def throttled(self, call: Call) -> Answer:
        """See `Dialect.throttled`."""
        return Answer(429, BODY, content_type="text/html")

    def unauthorized(self, call: Call) -> Answer:
        """See `Dialect.unauthorized`."""
        return WebexError(401, UNAUTHORIZED, UNAUTHORIZED).answer()

    def no_token(self, call: Call) -> Answer:
        """See `Dialect.no_token`."""
        return WebexError(401, "Invalid client credentials.", "Invalid client credentials.").answer()

    def unknown_meeting(self, call: Call, meeting: str) -> Answer:
        """See `Dialect.unknown_meeting`."""
        return WebexError(404, NO_DATA, NO_MEETING).answer()

    def forgotten_place(self, call: Call) -> Answer:
        """See `Dialect.forgotten_place`."""
        return invalid("offset").answer()

    def interval(self, row: Row) -> Interval | None:
        """See `Dialect.interval`; a participant's length stands with its devices alone."""
        if row.get("devices"):
            return Interval(row["devices"][0], "joinedTime", "leftTime", "durationSecond")
        return Interval(row, "joinedTime", "leftTime", "duration") if "duration" in row else None
