"""Zoom: page tokens in the body, times in the rows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from attendance_pipeline.sandbox.faults.dialect import Asked, Dialect, Interval, Row
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer
from attendance_pipeline.sandbox.zoom.api import OAUTH
from attendance_pipeline.sandbox.zoom.errors import ZoomError
from attendance_pipeline.sandbox.zoom.limits import PER_SECOND_TEXT
from attendance_pipeline.sandbox.zoom.routes import routed

REPORTS = ("meeting_participants", "webinar_participants", "meeting", "webinar")
PLACE = "place-"


class ZoomDialect(Dialect):
    """See `Dialect`."""

    rows_names: ClassVar[Sequence[str]] = ("participants", "history_meetings", "meetings", "users")
    id_names: ClassVar[Sequence[str]] = ("meeting_uuid", "uuid")
    end_names: ClassVar[Sequence[str]] = ("end_time",)

    def asked(self, call: Call) -> Asked:
        """See `Dialect.asked`."""
        if call.path == OAUTH:
            return Asked("token")
        request = routed(call)
        if request is not None and request.route.handler in REPORTS:
            return Asked("report", request.id)
        return Asked("list")

    def place(self, call: Call) -> int:
        """See `Dialect.place`."""
        token = call.query.get("next_page_token", "")
        return int(token.removeprefix(PLACE)) if token.startswith(PLACE) else 0

    def from_the_start(self, call: Call) -> Call:
        """See `Dialect.from_the_start`."""
        return replace(call, query={name: said for name, said in call.query.items() if name != "next_page_token"})

    def continued(self, call: Call, answer: Answer, place: int, base: str = "") -> Answer:
        """See `Dialect.continued`; a token leads nowhere else."""
        return self._with(answer, {"next_page_token": f"{PLACE}{place}"})

    def ended(self, answer: Answer) -> Answer:
        """See `Dialect.ended`."""
        return self._with(answer, {"next_page_token": ""})

    def throttled(self, call: Call) -> Answer:
        """See `Dialect.throttled`."""
        answer = json_answer(429, {"code": 429, "message": PER_SECOND_TEXT})
        return replace(answer, headers={"X-RateLimit-Type": "QPS"})

    def unauthorized(self, call: Call) -> Answer:
        """See `Dialect.unauthorized`."""
        return json_answer(401, {"code": 124, "message": "Invalid access token."})

    def no_token(self, call: Call) -> Answer:
        """See `Dialect.no_token`."""
        return json_answer(400, {"reason": "Invalid client_id or client_secret", "error": "invalid_client"})

    def unknown_meeting(self, call: Call, meeting: str) -> Answer:
        """See `Dialect.unknown_meeting`."""
        return ZoomError(404, 3001, f"Meeting does not exist: {meeting}.").answer("HEAVY")

    def forgotten_place(self, call: Call) -> Answer:
        """See `Dialect.forgotten_place`."""
        return ZoomError(400, 300, "The next page token is invalid or expired.").answer("HEAVY")

    def interval(self, row: Row) -> Interval | None:
        """See `Dialect.interval`."""
        return Interval(row, "join_time", "leave_time", "duration") if "join_time" in row else None
