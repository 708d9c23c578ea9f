"""When Graph knows what: a call's record half an hour to two and a half after its end, a report minutes after."""

from datetime import datetime, timedelta
from functools import lru_cache

from attendance_pipeline.sandbox.model import Occurrence
from attendance_pipeline.sandbox.organisation import Organisation
from attendance_pipeline.sandbox.teams.options import TeamsOptions

REPORTS_KEPT = timedelta(days=365)
CALLS_KEPT = timedelta(days=30)
MEETINGS_KEPT = timedelta(days=60)
"""An online meeting's life after its last session; its id stays good for its reports."""


class Settling:
    """Decides for each occurrence; nothing of it depends on when it's asked."""

    def __init__(self, organisation: Organisation, options: TeamsOptions) -> None:
        self.organisation = organisation
        self.options = options
        self._share = lru_cache(maxsize=None)(self._rolled)

    def report_at(self, occurrence: Occurrence) -> datetime:
        """From when on its report is there."""
        return occurrence.ended_at + self._within(self.options.report_delay, "report", occurrence.id)

    def call_at(self, ended_at: datetime, call_id: str) -> datetime:
        """From when on a call is listed."""
        return ended_at + self._within(self.options.call_record_delay, "call", call_id)

    def has_report(self, occurrence: Occurrence, now: datetime) -> bool:
        """Whether its report is there, and still kept."""
        return self.report_at(occurrence) <= now <= occurrence.ended_at + REPORTS_KEPT

    def _within(self, delay: tuple[int, int], what: str, which: str) -> timedelta:
        shortest, longest = delay
        return timedelta(seconds=round(shortest + self._share(what, which) * (longest - shortest)))

    def _rolled(self, what: str, which: str) -> float:
        return self.organisation.random("teams", what, which).random()
