"""When Webex knows what: the meeting 15 minutes after its end, who attended hours later.

Reports "should be available within 24 hours" (page "Meetings Summary Report"). Read too early they lack rows, and
participants lack times: absent, or 1970-01-01T00:00:00.000Z.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

from attendance_pipeline.sandbox.model import Occurrence
from attendance_pipeline.sandbox.organisation import Organisation
from attendance_pipeline.sandbox.webex.options import WebexOptions

DETAILS = timedelta(minutes=15)

SENTINEL = "1970-01-01T00:00:00.000Z"

Lack = Literal["nothing", "all_absent", "all_sentinel", "leave_absent", "leave_sentinel", "device_sentinel"]
"""Which times a participant's row lacks, and how."""

LACKS: tuple[Lack, ...] = (
    "all_absent",
    "all_sentinel",
    "leave_absent",
    "leave_sentinel",
    "device_sentinel",
    "nothing",
)


def state_of(occurrence: Occurrence, now: datetime) -> Literal["inProgress", "ended"]:
    """What /meetings says: a meeting goes on until its end has got about."""
    return "ended" if occurrence.ended_at + DETAILS <= now else "inProgress"


class Settling:
    """Decides for each occurrence; nothing of it depends on when it's asked."""

    def __init__(self, organisation: Organisation, options: WebexOptions) -> None:
        self.organisation = organisation
        self.options = options
        self._share = lru_cache(maxsize=None)(self._rolled)

    def ready_at(self, occurrence: Occurrence) -> datetime:
        """From when on attendance is complete: somewhere within the delay."""
        shortest, longest = self.options.usage_delay
        return occurrence.ended_at + timedelta(
            seconds=round(shortest + self._share(occurrence) * (longest - shortest))
        )

    def is_ready(self, occurrence: Occurrence, now: datetime) -> bool:
        """Whether attendance is complete."""
        return self.ready_at(occurrence) <= now

    def is_missing(self, occurrence: Occurrence, row: int) -> bool:
        """Whether a row of the attendee report isn't there before attendance is complete; the first never is."""
        return row == 0 or self.organisation.random("webex missing", occurrence.id, row).random() < 0.4

    def lack(self, occurrence: Occurrence, row: int) -> Lack:
        """What a participant's row lacks before attendance is complete; the first always lacks something."""
        roll = self.organisation.random("webex lack", occurrence.id, row)
        return roll.choice(LACKS[:-1] if row == 0 else LACKS)

    def _rolled(self, occurrence: Occurrence) -> float:
        return self.organisation.random("webex report", occurrence.id).random()
