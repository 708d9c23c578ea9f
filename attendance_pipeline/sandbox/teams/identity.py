"""Graph's ids of what the organisation holds: users, threads, meetings, reports, events, calls; and the way back.

Ids of what has a day hide it in their last two bytes.
"""

import base64
import binascii
import re
import uuid
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from attendance_pipeline.sandbox.codes import Codes
from attendance_pipeline.sandbox.model import Occurrence, Person, Series
from attendance_pipeline.sandbox.organisation import Organisation
from attendance_pipeline.sandbox.teams.bookings import Bookings

TENANT_ID = "7d1f6c2e-5a0b-4c64-9f3e-2b8a51c0d9e4"

GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MEETING = re.compile(rf"1\*({GUID.pattern})\*([0-9]+)\*\*(19:[^*]+)")
THREAD = re.compile(r"19:meeting_([A-Za-z0-9+/]{48})@thread\.v2")
JOIN_URL = "https://teams.microsoft.com/l/meetup-join/"

# a channel's messages are numbered by the millisecond
FIRST_MESSAGE = 1_500_000_000_000


class MeetingName(NamedTuple):
    """What an online meeting's id is made of."""

    organizer: str
    message: str
    thread: str


class TeamsIdentity:
    """Derives every Graph id of one organisation."""

    def __init__(self, organisation: Organisation, bookings: Bookings) -> None:
        self.organisation = organisation
        self.bookings = bookings
        self.codes = Codes(organisation.seed, "teams")
        self.user_id = lru_cache(maxsize=50_000)(self._user_id)
        self.guid = lru_cache(maxsize=50_000)(self._guid)
        self.report_id = lru_cache(maxsize=50_000)(self._report_id)
        self.users = {self.user_id(person): person for person in organisation.employees}
        self._static = {self.guid(one): one for one in (*organisation.series, *organisation.personal_rooms)}
        self._channelled = {str(self._message(one)): one for one in organisation.series}

    def tenant_of(self, person: Person) -> str:
        """Our tenant's id, or that of a guest's employer."""
        return TENANT_ID if person.employed else self.uuid("tenant", person.email.partition("@")[2])

    def name_of(self, series: Series) -> MeetingName:
        """Whose meeting it is, in which thread."""
        organizer, channel = self.user_id(series.host), self.bookings.channel_of(series)
        if channel is not None:
            thread = f"19:{self.codes.digest(16, 'channel', channel).hex()}@thread.tacv2"
            return MeetingName(organizer, str(self._message(series)), thread)
        code = base64.b64encode(self.guid(series).encode()).decode()
        return MeetingName(organizer, "0", f"19:meeting_{code}@thread.v2")

    def meeting_id(self, series: Series) -> str:
        """As recorded: base64 of organizer and thread."""
        name = self.name_of(series)
        return base64.b64encode(f"1*{name.organizer}*{name.message}**{name.thread}".encode()).decode()

    def join_url(self, series: Series) -> str:
        """As recorded, down to the small hexadecimal digits."""
        name = self.name_of(series)
        return join_url(name, TENANT_ID)

    def event_id(self, series: Series) -> str:
        """A webinar's names the tenant too; a town hall's is shown without."""
        return self.guid(series) + (f"@{TENANT_ID}" if series.kind == "webinar" else "")

    def series_id(self, series: Series) -> str:
        """By what the truth knows it."""
        return self.event_id(series) if series.kind in ("webinar", "town_hall") else self.meeting_id(series)

    def session_id(self, series: Series, day: date) -> str:
        """An event has one a day."""
        return self._dated(day, "session", series.id)

    def registration_id(self, person: Person, series: Series) -> str:
        """One per person and event."""
        return self.uuid("registration", person.id, series.id)

    def call_id(self, day: date, *about: object) -> str:
        """Of a call that began on this day."""
        return self._dated(day, "call", *about)

    def series_of(self, meeting_id: str) -> Series | None:
        """The series that has this online meeting id, if there is one.

        Raises:
            ValueError: It's no online meeting's id at all.
        """
        try:
            text = base64.b64decode(meeting_id, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise ValueError(meeting_id) from None
        match = MEETING.fullmatch(text)
        if not match:
            raise ValueError(meeting_id)
        return self.series_at(*match.groups())

    def series_at(self, organizer: str, message: str, thread: str) -> Series | None:
        """The series that this user holds in this thread, if there is one."""
        coded = THREAD.fullmatch(thread)
        found = self.series_of_guid(_decoded(coded[1])) if coded else self._channelled.get(message)
        return found if found is not None and self.name_of(found) == (organizer, message, thread) else None

    def series_of_guid(self, guid: str) -> Series | None:
        """The series at Teams whose thread or event has this GUID, if there is one; booked and not held counts."""
        if guid in self._static:
            found = self._static[guid]
            return found if self.organisation.vendor_of(found.id) == "teams" else None
        day = self.day_of(guid)
        if day is None:
            return None
        held = (one.series for one in self.organisation.occurrences(day) if one.vendor == "teams")
        dated = (*held, *self.bookings.unheld(day))
        return next((one for one in dated if one.only_on is not None and self.guid(one) == guid), None)

    def occurrence_of(self, report_id: str) -> Occurrence | None:
        """The occurrence whose report has this id, if there is one."""
        day = self.day_of(report_id)
        found = self.organisation.occurrences(day) if day else ()
        return next((one for one in found if one.vendor == "teams" and self.report_id(one) == report_id), None)

    def day_of(self, guid: str) -> date | None:
        """The day that a GUID hides, None where there can't be one."""
        if not GUID.fullmatch(guid):
            return None
        raw = uuid.UUID(guid).bytes
        return self.codes.hidden(raw[14:], raw[:14])

    def uuid(self, *about: object) -> str:
        """A GUID that looks like dice."""
        return str(uuid.UUID(bytes=self.codes.digest(16, *about), version=4))

    def _user_id(self, person: Person) -> str:
        return self.uuid("user", person.id)

    def _guid(self, series: Series) -> str:
        if series.only_on is None:
            return self.uuid("series", series.id)
        return self._dated(series.only_on, "series", series.id)

    def _report_id(self, occurrence: Occurrence) -> str:
        return self._dated(occurrence.day, "report", occurrence.id)

    def _dated(self, day: date, *about: object) -> str:
        dice = uuid.UUID(bytes=self.codes.digest(16, *about), version=4).bytes[:14]
        return str(uuid.UUID(bytes=dice + self.codes.hide(day, dice, 2)))

    def _message(self, series: Series) -> int:
        return FIRST_MESSAGE + self.codes.recurring(series.position)


def join_url(name: MeetingName, tenant: str) -> str:
    """The address under which a meeting is joined."""
    thread = name.thread.replace(":", "%3a").replace("@", "%40")
    context = f"%7b%22Tid%22%3a%22{tenant}%22%2c%22Oid%22%3a%22{name.organizer}%22%7d"
    return f"{JOIN_URL}{thread}/{name.message}?context={context}"


def _decoded(code: str) -> str:
    return base64.b64decode(code).decode("ascii", "replace")
