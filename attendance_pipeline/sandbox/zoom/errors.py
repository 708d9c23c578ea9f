"""How Zoom says no: an HTTP status, and a body with Zoom's own code."""

from attendance_pipeline.sandbox.wire import Answer, json_answer


class ZoomError(Exception):
    """An answer that isn't 200, raised where it's found out."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def answer(self, label: str) -> Answer:
        """The error as Zoom sends it."""
        return json_answer(self.status, {"code": self.code, "message": self.message}, label=label)
