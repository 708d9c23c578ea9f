"""Webex's documents as the tests of shaping put them into an archive, and what comes out."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from attendance_pipeline.archive import Archive, Document, Outcome
from attendance_pipeline.readings import held
from attendance_pipeline.shape import Shaped
from attendance_pipeline.vendors.shaping import shape_attendance, shape_listings
from attendance_pipeline.vendors.webex import Webex, shaping
from attendance_pipeline.vendors.webex.attendance import WebexMeeting

FIXTURES = Path(__file__).parent / "fixtures" / "webex"
DAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
SERIES = "3f9c2e81b7d64a05a1c8e0d2946b7f13"
ID = f"{SERIES}_I_268041977350216482"
OTHER = f"{SERIES}_I_268041977350216999"
IDA, BO = f"{ID}_5b1d7c0e-42a9-4f3e-9d68-0c7a1e5b2f94", f"{ID}_e08f2b6a-7c15-4d93-b4a7-6f3c9d1e5082"
SITE = "fjord.webex.com"
CENTER, EVENTS = "usage_MeetingCenter", "usage_EventCenter"
SENTINEL = "1970-01-01T00:00:00.000Z"

Row = dict[str, Any]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """A test file uses it by assigning it to the same name."""
    return Archive(tmp_path, "webex")


def fixture(name: str) -> bytes:
    """A body as Webex really sent it, its people and ids invented."""
    return (FIXTURES / f"{name}.json").read_bytes()


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def changed(row: Row, **changes: object) -> Row:
    """The row with other values; None leaves a field out."""
    return {name: value for name, value in (row | changes).items() if value is not None}


def listed(**changes: object) -> Row:
    """A row of `/meetings` about an ended instance."""
    row = {
        "id": ID,
        "start": "2026-03-10T09:00:00Z",
        "end": "2026-03-10T10:00:00Z",
        "title": "Review",
        "siteUrl": SITE,
        "hostEmail": "ida.lund@fjord.example",
    }
    return changed(row, **changes)


def used(**changes: object) -> Row:
    """A row of a usage report."""
    row = {
        "meetingId": ID,
        "start": "2026-03-10T09:00:00Z",
        "end": "2026-03-10T10:00:00Z",
        "meetingTitle": "Review",
        "totalParticipants": 2,
    }
    return changed(row, **changes)


def attended(**changes: object) -> Row:
    """A row of an attendee report."""
    row = {
        "meetingId": ID,
        "displayName": "Bo",
        "email": "",
        "joinedTime": "2026-03-10T09:00:00Z",
        "leftTime": "2026-03-10T10:00:00Z",
        "duration": 60,
        "participantType": "attendee",
    }
    return changed(row, **changes)


def device(**changes: object) -> Row:
    row = {
        "correlationId": "c7e4a1f0-93b2-4d56-8e7a-1f20b3c4d5e6",
        "deviceType": "mac",
        "joinedTime": "2026-03-10T09:00:00Z",
        "leftTime": "2026-03-10T10:00:00Z",
        "durationSecond": 3600,
    }
    return changed(row, **changes)


def breakout(**changes: object) -> Row:
    row = {
        "id": "b1",
        "name": "Breakout Session 1",
        "joinedTime": "2026-03-10T09:20:00Z",
        "leftTime": "2026-03-10T09:40:00Z",
    }
    return changed(row, **changes)


def took_part(**changes: object) -> Row:
    """A row of the participants."""
    row = {
        "id": IDA,
        "displayName": "Ida Lund",
        "email": "ida.lund@fjord.example",
        "joinedTime": "2026-03-10T09:00:00Z",
        "leftTime": "2026-03-10T10:00:00Z",
        "meetingId": ID,
        "devices": [device()],
    }
    return changed(row, **changes)


def listing(body: bytes | list[Row], *, kind: str = "meetings", number: int = 1, site: str = SITE) -> Document:
    """A page of one of the lists, asked for at noon of the next day."""
    return Document(
        document_id=f"listing-{number}",
        kind=kind,
        subject="" if kind == "meetings" else site,
        reading=f"listing-{number}",
        page=1,
        last=True,
        request="",
        status=200,
        fetched_at=NOON + timedelta(days=1, minutes=number),
        window_first=DAY - timedelta(days=2),
        window_last=DAY + timedelta(days=1),
        body=body if isinstance(body, bytes) else json.dumps({"items": body}).encode(),
    )


def report(
    body: bytes | list[Row],
    *,
    kind: str = "participants",
    meeting: str = ID,
    page: int = 1,
    last: bool = True,
    number: int = 1,
    outcome: Outcome = "answered",
    reason: str = "",
) -> Document:
    """A page of a report about a meeting, of reading `number`, read so many days after it."""
    site = f"siteUrl={SITE}&" if kind == "attendees" else ""
    return Document(
        document_id=f"{kind}-{number}-{page}",
        kind=kind,
        subject=meeting,
        reading=f"{kind}-{number}",
        page=page,
        last=last,
        next_token="" if last else "more",
        request=f"/x?{site}meetingId={meeting}",
        status=200,
        outcome=outcome,
        reason=reason,
        fetched_at=NOON + timedelta(days=number, minutes=page),
        body=body
        if isinstance(body, bytes)
        else json.dumps({"items": [_about(row, meeting) for row in body]}).encode(),
    )


def _about(row: Row, meeting: str) -> Row:
    """The row as it stands in a report about this meeting."""
    return row | {"meetingId": meeting} if row.get("meetingId") == ID else row


def keep(archive: Archive, *documents: Document) -> None:
    with archive.journal() as journal:
        for document in documents:
            if document.window_first:
                journal.keep_listing(document)
            else:
                journal.keep_attendance(DAY, document)
    archive.fold()


def meetings_of(archive: Archive, day: date = DAY) -> Shaped:
    return shape_listings(archive, [day], shaping.LISTINGS)[0]["meetings"][day]


def shaped_of(
    archive: Archive, *meetings: str, count: int | None = None
) -> tuple[dict[str, Shaped], dict[str, set[str]]]:
    """The attendance tables of the date on which these meetings ended; the lists count so many people of each."""
    wanted = {
        meeting: WebexMeeting(
            id=meeting,
            ended_at=NOON - timedelta(hours=2),
            vendor_count=count,
            started_at=NOON - timedelta(hours=3),
            site_url=SITE,
            host_email=None,
            settles_at=NOON + timedelta(days=3),
        )
        for meeting in meetings or (ID,)
    }
    holds = {DAY: held(archive.heads(DAY), {})}
    shaped, unknown = shape_attendance(archive, shaping.REPORTS, {DAY: wanted}, holds, Webex.timing)
    return {table: of_table[DAY] for table, of_table in shaped.items()}, unknown


def attendance_of(archive: Archive, *meetings: str, count: int | None = None) -> dict[str, Shaped]:
    return shaped_of(archive, *meetings, count=count)[0]


def reading_of(shaped: dict[str, Shaped], name: str, meeting: str = ID) -> Row:
    """What `readings` says of one report about one meeting."""
    rows: list[Row] = shaped["readings"].rows.to_pylist()
    (row,) = (row for row in rows if (row["report"], row["meeting_id"]) == (name, meeting))
    return row


def rules(shaped: Shaped) -> list[str]:
    return [row["rule"] for row in shaped.quarantined.to_pylist()]
