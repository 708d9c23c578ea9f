"""How Graph says no: an HTTP status, and its error body; codes and words as documented or recorded."""

import uuid
from datetime import datetime

from attendance_pipeline.sandbox.wire import Answer, Call, json_answer

# recorded for reports and meetings that there aren't
OUT_OF_RANGE = (
    "Index was out of range. Must be non-negative and less than the size of the collection.\r\nParameter name: index"
)
CORRUPTED = "Meeting Id is corrupted."
FAILED = "An error has occurred."
NOT_ORGANIZER = "3003: User does not have access to lookup meeting"
UNPRIVILEGED = "Insufficient privileges to complete the operation."
THROTTLED = "Please retry again later."


class GraphError(Exception):
    """An answer that isn't 200, raised where it's found out."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def answer(self, call: Call, now: datetime) -> Answer:
        """The error as Graph sends it; its date has no zone."""
        request_id = str(uuid.uuid4())
        inner = {
            "date": f"{now:%Y-%m-%dT%H:%M:%S}",
            "request-id": request_id,
            "client-request-id": call.headers.get("client-request-id") or request_id,
        }
        if self.status == 429:
            inner = {"code": "429", "message": "Please retry after", "status": "429"} | inner
        body = {"error": {"code": self.code, "message": self.message, "innerError": inner}}
        answer = json_answer(self.status, body)
        answer.headers.update({name: inner[name] for name in ("request-id", "client-request-id")})
        return answer


def bad_request(message: str) -> GraphError:
    """400 with Graph's general code."""
    return GraphError(400, "BadRequest", message)


def not_found(message: str = "Resource not found.") -> GraphError:
    """404 with Graph's general code."""
    return GraphError(404, "NotFound", message)


def forbidden(message: str) -> GraphError:
    """403 as online meetings say it."""
    return GraphError(403, "Forbidden", message)
