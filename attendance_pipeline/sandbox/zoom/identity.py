"""Zoom's ids of what the organisation holds: user ids, numbers, UUIDs, registrants; and the way back.

Numbers and UUIDs carry the day of what they name.
"""

import base64
import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from itertools import count

from attendance_pipeline.sandbox.codes import Codes
from attendance_pipeline.sandbox.model import Occurrence, Person, Series
from attendance_pipeline.sandbox.organisation import Organisation

PERSONAL = 4_000_000_000
RECURRING = 80_000_000_000
ONE_OFF = 90_000_000_000

# what the first Zoom occurrence of a weekday has in its UUID (Monday is 0), so that each comes every week
SHAPES: dict[int, Callable[[str], bool]] = {
    0: lambda uuid: uuid.startswith("/") and "//" not in uuid,
    1: lambda uuid: "//" in uuid and not uuid.startswith("/"),
    2: lambda uuid: "+" in uuid and "/" not in uuid,
    3: lambda uuid: uuid.count("/") == 1 and not uuid.startswith("/"),
}

UUID = re.compile(r"[A-Za-z0-9+/]{22}==")


class ZoomIdentity:
    """Derives every Zoom id of one organisation."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        self.codes = Codes(organisation.seed)
        self.user_id = lru_cache(maxsize=20_000)(self._user_id)
        self.employees = {self.user_id(person): person for person in organisation.employees}
        self.employees |= {person.email: person for person in organisation.employees}
        self._static = {
            self.number(series): series for series in (*organisation.series, *organisation.personal_rooms)
        }
        self.uuid = lru_cache(maxsize=50_000)(self._uuid)
        self._by_uuid = lru_cache(maxsize=100)(self._uuids_of_day)

    def _user_id(self, person: Person) -> str:
        """22 characters of URL-safe base64."""
        return base64.urlsafe_b64encode(self.codes.digest(16, "user", person.id)).decode()[:22]

    def registrant_id(self, person: Person, series: Series) -> str:
        """One per person and series: registration covers every occurrence."""
        return base64.urlsafe_b64encode(self.codes.digest(16, "registrant", person.id, series.id)).decode()[:22]

    def breakout_id(self, occurrence: Occurrence, room: int) -> str:
        """Looks like a meeting's UUID."""
        return base64.b64encode(self.codes.digest(16, "breakout", occurrence.id, room)).decode()

    def number(self, series: Series) -> int:
        """Ten digits for a personal room (its owner's PMI), eleven for anything else."""
        if series.booking == "personal":
            return PERSONAL + self.codes.personal(series.position)
        if series.only_on is None:
            return RECURRING + self.codes.recurring(series.position)
        return ONE_OFF + self.codes.one_off(series.only_on, series.position)

    def series_of(self, number: int) -> Series | None:
        """The series that has this number, if there is one."""
        if number in self._static:
            return self._static[number]
        if not ONE_OFF <= number < ONE_OFF + 10**10:
            return None
        for occurrence in self.organisation.occurrences(self.codes.day_coded((number - ONE_OFF) // 10**6)):
            if occurrence.series.only_on is not None and self.number(occurrence.series) == number:
                return occurrence.series
        return None

    def occurrence_of(self, uuid: str) -> Occurrence | None:
        """The occurrence that has this UUID, if there is one."""
        if not UUID.fullmatch(uuid):
            return None
        raw = base64.b64decode(uuid)
        day = self.codes.hidden(raw[13:], raw[:13])
        return None if day is None else self._by_uuid(day).get(uuid)

    def _uuids_of_day(self, day: date) -> dict[str, Occurrence]:
        occurrences = self.organisation.occurrences(day)
        return {self.uuid(one): one for one in occurrences if one.vendor == "zoom"}

    def _uuid(self, occurrence: Occurrence) -> str:
        """24 characters of base64; thirteen bytes are dice, the last three hide the start date."""
        shape = None
        if occurrence is self._first_of(occurrence.day):
            shape = SHAPES.get(occurrence.day.weekday())
        for attempt in count():
            dice = self.codes.digest(13, "uuid", occurrence.id, attempt)
            uuid = base64.b64encode(dice + self.codes.hide(occurrence.day, dice, 3)).decode()
            if shape is None or shape(uuid):
                return uuid
        raise AssertionError("unreachable: count() never ends")

    def _first_of(self, day: date) -> Occurrence | None:
        return next((one for one in self.organisation.occurrences(day) if one.vendor == "zoom"), None)
