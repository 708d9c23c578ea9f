"""The organisation as a strict Webex organisation with two sites shows it."""

from attendance_pipeline.sandbox.webex.api import WebexApi
from attendance_pipeline.sandbox.webex.options import WebexOptions

__all__ = ["WebexApi", "WebexOptions"]
