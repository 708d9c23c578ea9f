"""How Webex says no: an HTTP status, and its standard body with the cause in `errors`."""

import uuid

from attendance_pipeline.sandbox.wire import Answer, json_answer

# the general sentences are those of "Response Codes" below every call's page
BAD_REQUEST = (
    "The request was invalid or cannot be otherwise served. An accompanying error message will explain further."
)
UNAUTHORIZED = "The request requires a valid access token set in the Authorization request header."
FORBIDDEN = "The request is understood, but it has been refused or access is not allowed."
NOT_FOUND = "The URI requested is invalid or the resource requested, such as a user, does not exist."
NO_DATA = "Cannot find the data"
NO_MEETING = "Meeting data not found(or null)"
NOT_ALLOWED = "The request was made to a resource using an HTTP request method that is not supported."
UNSUPPORTED = (
    "The request was made to a resource without specifying a media type or used a media type that is not supported."
)
TIMEOUT = "An upstream server failed to respond on time. If your query uses max parameter, please try to reduce it."


class WebexError(Exception):
    """An answer that isn't 200, raised where it's found out."""

    def __init__(self, status: int, message: str, *causes: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.causes = causes

    def answer(self) -> Answer:
        """The error as Webex sends it: without causes there is no `errors` at all."""
        tracking = f"ROUTER_{uuid.uuid4()}".upper()
        body: dict[str, object] = {"message": self.message}
        if self.causes:
            body["errors"] = [{"description": cause} for cause in self.causes]
        answer = json_answer(self.status, body | {"trackingId": tracking})
        answer.headers["TrackingID"] = tracking
        return answer


def invalid(field: str) -> WebexError:
    """400 whose message says nothing; which field it is stands in `errors` alone."""
    return WebexError(400, BAD_REQUEST, f"Invalid value on '{field}' field.")
