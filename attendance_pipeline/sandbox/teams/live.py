"""What is kept of live events: links to files on another host, each good for a minute."""

import csv
import io
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from attendance_pipeline.sandbox.model import Occurrence
from attendance_pipeline.sandbox.teams.errors import FAILED, bad_request, not_found
from attendance_pipeline.sandbox.teams.options import TeamsOptions
from attendance_pipeline.sandbox.teams.routes import Request
from attendance_pipeline.sandbox.teams.tenant import Tenant
from attendance_pipeline.sandbox.wire import Answer, Call

HEADERS = (
    ("Session Id", "Participant Id", "Full Name", "UserAgent", "UTC Event Timestamp", "Action", "Role"),
    ("SessionId", "ParticipantId", "FullName", "UserAgent", "UtcEventTimestamp", "Action", "Role"),
)
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
# no more of a film than what tells that it is one
FILM = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"


class Downloads:
    """The host that the links lead to; it has no use for a token, and notes whoever sends one."""

    def __init__(self, options: TeamsOptions, now: Callable[[], datetime]) -> None:
        self.options = options
        self.now = now
        self.url = ""
        self.leaks: list[str] = []
        """Paths that were asked for with an Authorization header."""
        self._files: dict[str, tuple[datetime, Answer]] = {}

    def offer(self, name: str, file: Answer) -> str:
        """A link to a file."""
        now = self.now()
        self._files = {path: kept for path, kept in self._files.items() if kept[0] > now}
        path = f"/broadcast/{secrets.token_urlsafe(32)}/resource/{name}"
        self._files[path] = (now + timedelta(seconds=self.options.link_seconds), file)
        return self.url + path

    def answer(self, call: Call) -> Answer:
        """What is behind a link while it lives."""
        if "Authorization" in call.headers:
            self.leaks.append(call.path)
            return _plain(400, "A token for Graph has no business here.")
        if call.method != "GET":
            return _plain(405, "Method not allowed.")
        expires, file = self._files.get(call.path, (None, None))
        if expires is None or file is None or expires <= self.now():
            return _plain(403, "The link has expired.")
        return file


class LiveEvents:
    """Answers for organizers whom the policy covers."""

    def __init__(self, tenant: Tenant, downloads: Downloads) -> None:
        self.tenant = tenant
        self.downloads = downloads

    def attendees(self, request: Request) -> Answer:
        """A link to the attendee report."""
        occurrence = self._ended(request)
        file = Answer(200, self._report(occurrence).encode(), content_type="text/csv;charset=UTF-8")
        file.headers["Content-Disposition"] = 'attachment; filename="AttendeeReport.csv"'
        return self._found(self.downloads.offer("attendeeReport", file))

    def recording(self, request: Request) -> Answer:
        """A link to the recording."""
        self._ended(request)
        name = request.address.rpartition("/")[2]
        return self._found(self.downloads.offer(name, Answer(200, FILM, content_type="video/mp4")))

    def _ended(self, request: Request) -> Occurrence:
        series = self.tenant.meeting(request)
        if series.kind != "live_event" or self.tenant.options.live_events == "gone":
            raise bad_request(FAILED)
        occurrence = next(iter(self.tenant.reported(series)), None)
        if occurrence is None:
            raise not_found()
        return occurrence

    def _report(self, occurrence: Occurrence) -> str:
        """A row a join and, as a rule, one a leave, in order of time; American times without a zone."""
        identity, rows = self.tenant.identity, []
        for number, session in enumerate(self.tenant.presence.sessions(occurrence)):
            stay = session.stay
            who = identity.uuid("live session", occurrence.id, number), stay.person.email if stay.signed_in else ""
            role = "Producer" if stay.person is occurrence.host else "Attendee"
            for moment, action in ((stay.joined, "Joined"), (session.left, "Left")):
                if moment is not None:
                    rows.append((moment, (*who, stay.name, AGENT, _american(moment), action, role)))
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(HEADERS[occurrence.day.toordinal() % len(HEADERS)])
        writer.writerows(row for _, row in sorted(rows, key=lambda row: row[0]))
        return file.getvalue()

    def _found(self, address: str) -> Answer:
        return Answer(302, b"", headers={"Location": address}, content_type="text/plain")


def _american(moment: datetime) -> str:
    return f"{moment.month}/{moment.day}/{moment.year} {moment.hour % 12 or 12}:{moment:%M:%S %p}"


def _plain(status: int, text: str) -> Answer:
    return Answer(status, text.encode() + b"\n", content_type="text/plain;charset=UTF-8")
