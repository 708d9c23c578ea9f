"""Webex's ids of what the organisation holds: series, occurrences, instances, numbers, people; and the way back.

The forms are those of the page "Meeting Resource Guide". Ids of one-offs and instances carry their day.
"""

import base64
import re
import uuid
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from attendance_pipeline.sandbox.codes import Codes
from attendance_pipeline.sandbox.model import Occurrence, Person, Series
from attendance_pipeline.sandbox.organisation import Organisation
from attendance_pipeline.sandbox.webex.presence import Device, Participant

SERIES_ID = re.compile(r"[0-9a-f]{32}")
OCCURRENCE_ID = re.compile(r"([0-9a-f]{32})_([0-9]{8}T[0-9]{6}Z)")
INSTANCE_ID = re.compile(r"[0-9a-f]{32}_I_([0-9]{18})")
STAMP = "%Y%m%dT%H%M%SZ"

# of an instance's 18 digits the first five are 1 and the hidden day
DAY_DIGITS = 10**13

PERSONAL = 2_000_000_000
RECURRING = 10_000_000_000
ONE_OFF = 20_000_000_000

BOOKED_EVERY = timedelta(minutes=5)


class WebexIdentity:
    """Derives every Webex id of one organisation."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        self.codes = Codes(organisation.seed, "webex")
        self.series_id = lru_cache(maxsize=50_000)(self._series_id)
        self.instance_id = lru_cache(maxsize=50_000)(self._instance_id)
        self._static = {
            self.series_id(series): series for series in (*organisation.series, *organisation.personal_rooms)
        }
        self._by_instance = lru_cache(maxsize=100)(self._instances_of_day)

    def number(self, series: Series) -> str:
        """The meeting number: ten digits for a personal room, eleven for anything else."""
        if series.booking == "personal":
            return str(PERSONAL + self.codes.personal(series.position))
        if series.only_on is None:
            return str(RECURRING + self.codes.recurring(series.position))
        return str(ONE_OFF + self.codes.one_off(series.only_on, series.position))

    def occurrence_id(self, occurrence: Occurrence) -> str | None:
        """Of what was booked for a time: the series and that time; None of anything else."""
        if occurrence.series.booking not in ("scheduled", "recurring"):
            return None
        # nobody starts more than four minutes off
        late = (occurrence.started_at - datetime.min.replace(tzinfo=UTC)) % BOOKED_EVERY
        booked = occurrence.started_at - late + (BOOKED_EVERY if late > BOOKED_EVERY / 2 else timedelta())
        return f"{self.series_id(occurrence.series)}_{booked.strftime(STAMP)}"

    def participant_id(self, occurrence: Occurrence, one: Participant) -> str:
        """The instance's id and a UUID; the same whenever it's asked for."""
        return f"{self.instance_id(occurrence)}_{self._uuid('participant', occurrence.id, *_row(one))}"

    def correlation_id(self, occurrence: Occurrence, one: Participant, device: Device) -> str:
        """One per join."""
        about = ("join", occurrence.id, *_row(one), device.kind, device.joined, device.left)
        return self._uuid(*about)

    def breakout_id(self, occurrence: Occurrence, number: int) -> str:
        """One per breakout session of one instance."""
        return self._uuid("breakout", occurrence.id, number)

    def user_id(self, person: Person) -> str:
        """A person's id as every Webex API writes it."""
        return base64.b64encode(f"ciscospark://us/PEOPLE/{self._uuid('user', person.id)}".encode()).decode()

    def series_of(self, series_id: str) -> Series | None:
        """The series that has this id, if there is one."""
        if series_id in self._static:
            return self._static[series_id]
        if not SERIES_ID.fullmatch(series_id):
            return None
        raw = bytes.fromhex(series_id)
        day = self.codes.hidden(raw[14:], raw[:14])
        for occurrence in self.organisation.occurrences(day) if day else ():
            if occurrence.series.only_on is not None and self.series_id(occurrence.series) == series_id:
                return occurrence.series
        return None

    def occurrence_of(self, instance_id: str) -> Occurrence | None:
        """The occurrence whose instance has this id, if there is one."""
        match = INSTANCE_ID.fullmatch(instance_id)
        if not match or match[1][0] != "1":
            return None
        return self._by_instance(self.codes.day_coded(int(match[1][1:5]))).get(instance_id)

    def _instances_of_day(self, day: date) -> dict[str, Occurrence]:
        occurrences = self.organisation.occurrences(day)
        return {self.instance_id(one): one for one in occurrences if one.vendor == "webex"}

    def _series_id(self, series: Series) -> str:
        """32 hexadecimal digits; the last four of a one-off's hide its day."""
        dice = self.codes.digest(14, "series", series.id)
        if series.only_on is None:
            return (dice + self.codes.digest(2, "recurring", series.id)).hex()
        return (dice + self.codes.hide(series.only_on, dice, 2)).hex()

    def _instance_id(self, occurrence: Occurrence) -> str:
        dice = int.from_bytes(self.codes.digest(8, "instance", occurrence.id)) % DAY_DIGITS
        digits = (10_000 + self.codes.day_code(occurrence.day)) * DAY_DIGITS + dice
        return f"{self.series_id(occurrence.series)}_I_{digits}"

    def _uuid(self, *about: object) -> str:
        return str(uuid.UUID(bytes=self.codes.digest(16, *about), version=4))


def _row(one: Participant) -> tuple[str, str]:
    return one.person.id, one.email or one.name
