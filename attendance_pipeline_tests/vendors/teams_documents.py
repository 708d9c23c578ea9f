"""Graph's documents as the tests of shaping put them into an archive, and what comes out."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from attendance_pipeline.archive import Archive, Document, Outcome
from attendance_pipeline.readings import held
from attendance_pipeline.shape import Shaped
from attendance_pipeline.vendors.shaping import shape_attendance
from attendance_pipeline.vendors.teams import Teams, shaping
from attendance_pipeline.vendors.teams.attendance import TeamsMeeting
from attendance_pipeline.vendors.teams.named import EVENT_PATHS, Home, Kind, Listed
from attendance_pipeline.vendors.teams.records import REPORT_TABLES, STAND_INS
from attendance_pipeline.vendors.teams.routes import Routes

FIXTURES = Path(__file__).parent / "fixtures" / "teams"
DAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
TENANT = "0d3c7b52-8e41-4f6a-9b1e-2a5c8d7f4e60"
IDA, OMAR = "5b1d7c0e-42a9-4f3e-9d68-0c7a1e5b2f94", "e08f2b6a-7c15-4d93-b4a7-6f3c9d1e5082"
URL = "https://teams.microsoft.com/l/meetup-join/19%3ameeting_Zmpvcm"
OTHER_URL = f"{URL}2"
ONLINE, OTHER_ONLINE = "MSo1YjFkN2MwZQ==", "MSo1YjFkN2MwZR=="
REPORT, OTHER_REPORT = "9a7d2c41-0b63-4e58-8f19-c3d60a7be512", "9a7d2c41-0b63-4e58-8f19-c3d60a7be999"
CALL, OTHER_CALL = "c1d8e5f2-6a30-4b97-a4c1-07e92d5b3f68", "c1d8e5f2-6a30-4b97-a4c1-07e92d5b3f69"
EVENT = f"7f2e9c14-35ab-4d08-9e61-b8a0c4d7132f@{TENANT}"
TOWN_HALL = "2c6b0e97-d1f4-4a85-b3e2-6f9d8c5a7041"
SESSION = "8d41f6a3-92c7-4e0b-a5d8-1b3c7e9f2046"
MEETING_HOME = Home("", IDA, ONLINE)
OTHER_HOME = Home("", OMAR, OTHER_ONLINE)
SESSION_HOME = Home("webinars", EVENT, SESSION)
TOWN_HALL_HOME = Home("town_halls", TOWN_HALL, SESSION)
RECORDS = "attendance_records"

Row = dict[str, Any]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """A test file uses it by assigning it to the same name."""
    return Archive(tmp_path, "teams")


def fixture(name: str) -> bytes:
    """A body as Graph really sent it, its people and ids invented."""
    return (FIXTURES / name).read_bytes()


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def changed(row: Row, changes: Row) -> Row:
    """The row with other values; `...` leaves a field out."""
    return {name: value for name, value in (row | changes).items() if value is not ...}


def user(oid: str = IDA, name: str = "Ida Lund", **changes: object) -> Row:
    """An identity set of a call record's organizer."""
    said = {"id": oid, "displayName": name, "tenantId": TENANT, "userPrincipalName": "ida.lund@fjord.example"}
    return {"user": changed(said, changes), "phone": None}


def call(**changes: object) -> Row:
    """A row of `/communications/callRecords`."""
    row = {
        "id": CALL,
        "version": 1,
        "type": "groupCall",
        "modalities": ["audio", "video"],
        "lastModifiedDateTime": "2026-03-10T10:20:00.5066667Z",
        "startDateTime": "2026-03-10T09:00:05.1234567Z",
        "endDateTime": "2026-03-10T10:00:00.7654321Z",
        "joinWebUrl": URL,
        "participants": [],
        "organizer_v2": {"id": IDA, "identity": user(), "administrativeUnitInfos": []},
    }
    return changed(row, changes)


def planned(**changes: object) -> Row:
    """A row of a calendar."""
    row = {
        "id": "AAMkADgz=",
        "subject": "Review",
        "isCancelled": False,
        "isOrganizer": True,
        "isOnlineMeeting": True,
        "onlineMeetingProvider": "teamsForBusiness",
        "seriesMasterId": None,
        "type": "singleInstance",
        "start": {"dateTime": "2026-03-10T09:00:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": "2026-03-10T10:00:00.0000000", "timeZone": "UTC"},
        "organizer": {"emailAddress": {"name": "Ida Lund", "address": "ida.lund@fjord.example"}},
        "onlineMeeting": {"joinUrl": URL},
    }
    return changed(row, changes)


def online(**changes: object) -> Row:
    """An online meeting."""
    row = {
        "id": ONLINE,
        "subject": "Review of the week",
        "startDateTime": "2026-03-10T09:00:00Z",
        "endDateTime": "2026-03-10T10:00:00Z",
        "meetingType": "scheduled",
        "joinWebUrl": URL,
        "participants": {"organizer": {"upn": "ida@fjord.example", "identity": user()}, "attendees": []},
    }
    return changed(row, changes)


def event(**changes: object) -> Row:
    """A webinar, or a town hall."""
    row = {
        "id": EVENT,
        "status": "published",
        "displayName": "Launch",
        "startDateTime": {"dateTime": "2026-03-10T09:00:00.0000000", "timeZone": "UTC"},
        "endDateTime": {"dateTime": "2026-03-10T10:00:00.0000000", "timeZone": "UTC"},
        "createdBy": user(),
        "isRegistrationRequired": True,
    }
    return changed(row, changes)


def session(**changes: object) -> Row:
    row = {
        "id": SESSION,
        "subject": None,
        "joinWebUrl": OTHER_URL,
        "startDateTime": {"dateTime": "2026-03-10T09:00:00.0000000", "timeZone": "UTC"},
        "endDateTime": {"dateTime": "2026-03-10T10:00:00.0000000", "timeZone": "UTC"},
    }
    return changed(row, changes)


def listed(**changes: object) -> Row:
    """A row of a list of reports."""
    row = {
        "id": REPORT,
        "totalParticipantCount": 2,
        "meetingStartDateTime": "2026-03-10T08:58:41.28Z",
        "meetingEndDateTime": "2026-03-10T10:00:00.765Z",
    }
    return changed(row, changes)


def interval(**changes: object) -> Row:
    row = {
        "joinDateTime": "2026-03-10T09:00:00Z",
        "leaveDateTime": "2026-03-10T10:00:00Z",
        "durationInSeconds": 3600,
    }
    return changed(row, changes)


def record(**changes: object) -> Row:
    """An attendance record, of somebody of our own tenant."""
    row = {
        "id": IDA,
        "emailAddress": "ida.lund@fjord.example",
        "totalAttendanceInSeconds": 3600,
        "role": "Organizer",
        "identity": {"id": IDA, "displayName": "Ida Lund", "tenantId": TENANT},
        "attendanceIntervals": [interval()],
    }
    return changed(row, changes)


def anonymous(**changes: object) -> Row:
    """An attendance record of somebody without anything but a name."""
    row = {"id": None, "emailAddress": "", "role": "Attendee", "identity": {"id": None, "displayName": "Bo"}}
    return changed(record(**row), changes)


def registered(**changes: object) -> Row:
    row = {
        "id": "r1",
        "email": "vera@acme.example",
        "firstName": "Vera",
        "lastName": "Ek",
        "status": "registered",
        "registrationDateTime": "2026-03-01T09:00:00Z",
    }
    return changed(row, changes)


def _body(said: bytes | Row | Sequence[object]) -> bytes:
    if isinstance(said, bytes):
        return said
    return json.dumps(said if isinstance(said, dict) else {"value": said}).encode()


def naming(
    kind: str,
    said: bytes | Row | Sequence[object],
    *,
    subject: str = "",
    number: int = 1,
    at: datetime | None = None,
    first: date = DAY - timedelta(days=1),
    last: date = DAY + timedelta(days=1),
    outcome: Outcome = "answered",
    reason: str = "",
) -> Document:
    """An answer of discovery's, by default of noon of the fifth day after, when every verdict is final."""
    return Document(
        document_id=f"{kind}-{number}",
        kind=kind,
        subject=subject,
        reading=f"{kind}-{number}",
        page=1,
        last=outcome == "answered",
        request="",
        status=200,
        outcome=outcome,
        reason=reason,
        fetched_at=at or NOON + timedelta(days=5, minutes=number),
        window_first=first,
        window_last=last,
        body=_body(said),
    )


def calls(*rows: object, **about: Any) -> Document:
    return naming("call_records", rows, **about)


def calendar(*rows: object, **about: Any) -> Document:
    return naming("calendar_view", rows, **{"subject": IDA} | about)


def events(*rows: object, route: str = "webinars", **about: Any) -> Document:
    return naming(route, rows, **about)


def sessions(*rows: object, of: str = EVENT, **about: Any) -> Document:
    return naming("webinar_sessions" if "@" in of else "town_hall_sessions", rows, subject=of, **about)


def reports(*rows: object, home: Home = MEETING_HOME, **about: Any) -> Document:
    return naming("attendance_reports", rows, subject=home.subject, **about)


def latest(row: bytes | Row, home: Home = MEETING_HOME, **about: Any) -> Document:
    return naming("latest_report", row, subject=home.subject, **about)


def live_event(row: bytes | Row, home: Home = MEETING_HOME, **about: Any) -> Document:
    return naming("live_event", row, subject=home.subject, **about)


def lookup(
    *rows: object,
    organizer: str = IDA,
    url: str = URL,
    number: int = 1,
    outcome: Outcome = "answered",
    reason: str = "",
) -> Document:
    return Document(
        document_id=f"online_meeting-{number}",
        kind="online_meeting",
        subject=f"{organizer} {url}",
        reading=f"online_meeting-{number}",
        page=1,
        last=True,
        request="",
        status=200,
        outcome=outcome,
        reason=reason,
        fetched_at=NOON + timedelta(days=5, minutes=number),
        body=_body(rows),
    )


def found(*, home: Home = MEETING_HOME, url: str = URL, number: int = 1) -> list[Document]:
    """A call record, the lookup of its join URL, and the list of reports with the one about it."""
    who = {"id": home.owner, "identity": user(home.owner)}
    return [
        calls(call(joinWebUrl=url, organizer_v2=who), number=number),
        lookup(online(id=home.id, joinWebUrl=url), organizer=home.owner, url=url, number=number),
        reports(listed(), home=home, number=number),
    ]


def about(
    kind: str,
    said: bytes | Row | Sequence[object],
    *,
    report: str = REPORT,
    number: int = 1,
    page: int = 1,
    last: bool = True,
    outcome: Outcome = "answered",
    reason: str = "",
    event_id: str = EVENT,
) -> Document:
    """A page about a report, of reading `number`, read so many days after the meeting."""
    route = "webinars" if "@" in event_id else "town_halls"
    path = f"{EVENT_PATHS[route]}/{quote(event_id)}/registrations" if kind == "registrations" else f"/v1.0/{kind}"
    return Document(
        document_id=f"{kind}-{report}-{number}-{page}",
        kind=kind,
        subject=report,
        reading=f"{report}-{number}",
        page=page,
        last=last,
        next_token="" if last else "more",
        request=path,
        status=200,
        outcome=outcome,
        reason=reason,
        fetched_at=NOON + timedelta(days=number, minutes=page),
        body=_body(said),
    )


def records(*rows: object, total: int | None = None, **of: Any) -> Document:
    """A report with its records in it."""
    said = {"id": of.get("report", REPORT), "totalParticipantCount": len(rows) if total is None else total}
    return about("attendance_report", said | {"attendanceRecords": rows}, **of)


def page_of_records(*rows: object, **of: Any) -> Document:
    return about(RECORDS, rows, **of)


def registrations(*rows: object, **of: Any) -> Document:
    return about("registrations", rows, **of)


HEADER = "Session Id,Participant Id,Full Name,UserAgent,UTC Event Timestamp,Action,Role"
OLD_HEADER = "SessionId,ParticipantId,FullName,UserAgent,UtcEventTimestamp,Action,Role"


def attendee_report(*lines: str, header: str = HEADER, **of: Any) -> Document:
    """A live event's CSV."""
    text = "\r\n".join([header, *lines, ""])
    return about("attendee_events", text.encode(), **of)


def keep(archive: Archive, *documents: Document, day: date = DAY) -> None:
    """As a pull keeps them."""
    assert len({document.document_id for document in documents}) == len(documents)
    with archive.journal() as journal:
        for document in documents:
            if document.window_first is not None:
                journal.keep_listing(document)
            elif document.kind == "online_meeting":
                journal.keep_lookup(document)
            else:
                journal.keep_attendance(day, document)
    archive.fold()


def routes_of(archive: Archive, *days: date) -> Routes:
    return Routes.known(archive, days or [DAY], TENANT)


def lists_of(archive: Archive, *days: date) -> tuple[dict[str, dict[date, Shaped]], dict[str, set[str]]]:
    """The tables that discovery fills, of these dates, and the fields that nobody knew."""
    wanted = days or (DAY,)
    return shaping.shape_lists(archive, wanted, routes_of(archive, *wanted), Teams.timing)


def reports_of(archive: Archive, *days: date) -> list[Row]:
    """The rows of `teams/attendance_reports` of these dates."""
    return [
        row
        for day in days or (DAY,)
        for row in lists_of(archive, *days)[0]["attendance_reports"][day].rows.to_pylist()
    ]


def meetings_of(archive: Archive, *days: date) -> list[Row]:
    """The rows of `teams/meetings` of these dates."""
    return [row for day in days or (DAY,) for row in lists_of(archive, *days)[0]["meetings"][day].rows.to_pylist()]


def report_of(archive: Archive) -> Row:
    (row,) = reports_of(archive)
    return row


def meeting_of(archive: Archive) -> Row:
    (row,) = meetings_of(archive)
    return row


def a_meeting(
    report: str = REPORT, *, kind: Kind = "meeting", count: int | None = None, home: Home = MEETING_HOME
) -> TeamsMeeting:
    begin, end = NOON - timedelta(hours=3), NOON - timedelta(hours=2)
    return TeamsMeeting(
        id=report,
        ended_at=end,
        vendor_count=count,
        kind=kind,
        home=home,
        is_latest=False,
        listed=Listed(report, begin, end),
        has_registrations=kind == "webinar",
    )


def shaped_of(
    archive: Archive, *meetings: TeamsMeeting, count: int | None = None
) -> tuple[dict[str, Shaped], dict[str, set[str]]]:
    """The attendance tables of the date on which these meetings ended, without what discovery didn't find."""
    wanted = {meeting.id: meeting for meeting in meetings or (a_meeting(count=count),)}
    holds = {DAY: held(archive.heads(DAY), STAND_INS)}
    shaped, unknown = shape_attendance(archive, REPORT_TABLES, {DAY: wanted}, holds, Teams.timing)
    return {table: of_table[DAY] for table, of_table in shaped.items()}, unknown


def attendance_of(archive: Archive, *meetings: TeamsMeeting, count: int | None = None) -> dict[str, Shaped]:
    return shaped_of(archive, *meetings, count=count)[0]


def landed(archive: Archive, table: str, *meetings: TeamsMeeting) -> list[Row]:
    """The rows of a table of attendance."""
    rows: list[Row] = attendance_of(archive, *meetings)[table].rows.to_pylist()
    return rows


def reading_of(shaped: dict[str, Shaped], name: str = RECORDS, meeting: str = REPORT) -> Row:
    """What `readings` says of one report about one meeting."""
    rows: list[Row] = shaped["readings"].rows.to_pylist()
    (row,) = (row for row in rows if (row["report"], row["meeting_id"]) == (name, meeting))
    return row


def unreported_of(archive: Archive, *days: date) -> list[Row]:
    """The readings of meetings of which no report was found."""
    wanted = days or (DAY,)
    tables = shaping.unreported(routes_of(archive, *wanted), wanted, Teams.timing)
    return [row for day in wanted for row in tables[day].to_pylist()]


def rules(shaped: Shaped) -> list[str]:
    return [row["rule"] for row in shaped.quarantined.to_pylist()]


def rules_of_list(archive: Archive, table: str) -> list[str]:
    return rules(lists_of(archive)[0][table][DAY])
