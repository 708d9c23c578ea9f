"""The ways in which the embedded vendors can be told to misbehave, each in the vendor's own words.

A fault stands between the server and a vendor, and what it bends follows from the calls alone: no dice.
"""

from attendance_pipeline.sandbox.faults.access import ACCESS
from attendance_pipeline.sandbox.faults.answers import ANSWERS
from attendance_pipeline.sandbox.faults.dialect import Dialect
from attendance_pipeline.sandbox.faults.fault import Fault, Trouble
from attendance_pipeline.sandbox.faults.pages import PAGES
from attendance_pipeline.sandbox.faults.rows import ROWS
from attendance_pipeline.sandbox.faults.teams import TeamsDialect
from attendance_pipeline.sandbox.faults.webex import WebexDialect
from attendance_pipeline.sandbox.faults.zoom import ZoomDialect

FAULTS = {fault.name: fault for fault in (*ANSWERS, *ACCESS, *PAGES, *ROWS)}
"""By name."""

DIALECTS: dict[str, type[Dialect]] = {"zoom": ZoomDialect, "webex": WebexDialect, "teams": TeamsDialect}
"""By vendor."""

__all__ = ["DIALECTS", "FAULTS", "Fault", "Trouble"]
