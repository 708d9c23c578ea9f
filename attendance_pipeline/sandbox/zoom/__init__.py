"""The organisation as a strict Zoom account shows it."""

from attendance_pipeline.sandbox.zoom.api import ZoomApi
from attendance_pipeline.sandbox.zoom.options import ZoomOptions

__all__ = ["ZoomApi", "ZoomOptions"]
