"""The embedded vendors: a seeded organisation, rendered by strict vendor APIs over real HTTP on loopback.

Imports nothing of the pipeline, and the pipeline nothing of it: only the command line and the tests start it.
"""

from attendance_pipeline.sandbox.faults import FAULTS
from attendance_pipeline.sandbox.model import SIZES, Size
from attendance_pipeline.sandbox.server import MIX, Sandbox
from attendance_pipeline.sandbox.teams import TeamsOptions
from attendance_pipeline.sandbox.truth import Truth
from attendance_pipeline.sandbox.webex import WebexOptions
from attendance_pipeline.sandbox.wire import Seen
from attendance_pipeline.sandbox.zoom import ZoomOptions

__all__ = [
    "FAULTS",
    "MIX",
    "SIZES",
    "Sandbox",
    "Seen",
    "Size",
    "TeamsOptions",
    "Truth",
    "WebexOptions",
    "ZoomOptions",
]
