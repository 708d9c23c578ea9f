"""The organisation as a strict Microsoft tenant shows it through Graph."""

from attendance_pipeline.sandbox.teams.api import TeamsApi
from attendance_pipeline.sandbox.teams.options import TeamsOptions

__all__ = ["TeamsApi", "TeamsOptions"]
