"""What Graph tells of a fortnight says what is true, and holds documented fields alone."""

import csv
import http.client
import io
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from attendance_pipeline.sandbox import MIX, Sandbox, TeamsOptions
from attendance_pipeline.sandbox.organisation import Organisation
from attendance_pipeline.sandbox.truth import MeetingTruth, Truth

from .client import Clock
from .teams_client import Row, TeamsClient, meeting_path, moment

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 15)
NOW = datetime(2026, 3, 17, tzinfo=UTC)
SINCE = "startDateTime ge 2026-02-27T00:00:00Z and startDateTime lt 2026-03-16T00:00:00Z"

Span = tuple[datetime, datetime]

CALL = {
    *("id", "version", "type", "modalities", "lastModifiedDateTime", "startDateTime", "endDateTime", "joinWebUrl"),
    *("organizer", "participants", "organizer_v2"),
}
MEETING = {
    *("id", "creationDateTime", "startDateTime", "endDateTime", "joinWebUrl", "subject", "isBroadcast"),
    *("meetingType", "participants", "chatInfo", "expiryDateTime", "allowedPresenters", "isEntryExitAnnounced"),
    *("allowAttendeeToEnableCamera", "allowAttendeeToEnableMic", "allowMeetingChat", "recordAutomatically"),
    *("externalId", "videoTeleconferenceId", "broadcastSettings"),
}
REPORT = {"id", "totalParticipantCount", "meetingStartDateTime", "meetingEndDateTime", "externalEventInformation"}
RECORD = {
    *("id", "emailAddress", "totalAttendanceInSeconds", "role", "identity", "attendanceIntervals", "registrationId"),
}
IDENTITY = {"id", "displayName", "tenantId"}
INTERVAL = {"joinDateTime", "leaveDateTime", "durationInSeconds"}
WEBINAR = {
    *("id", "status", "displayName", "startDateTime", "endDateTime", "description", "audience", "coOrganizers"),
    *("isRegistrationRequired", "externalEventInformation", "settings", "createdBy"),
}
TOWN_HALL = WEBINAR | {"isInviteOnly", "invitedAttendees"}
SESSION = {
    *("id", "subject", "joinWebUrl", "startDateTime", "endDateTime", "capacity", "chatInfo"),
    *("isEntryExitAnnounced", "videoOnDemandWebUrl"),
}
REGISTRATION = {
    *("id", "userId", "firstName", "lastName", "email", "status", "registrationDateTime", "cancelationDateTime"),
    *("preferredTimezone", "preferredLanguage", "registrationQuestionAnswers"),
}


class Fortnight:
    """What a client finds by call records, calendars and the lists of events; and the truth beside it."""

    def __init__(self, client: TeamsClient) -> None:
        self.client = client
        truth: Truth = client.sandbox.truth(FIRST, LAST)
        self.meetings = {one.vendor_meeting_id: one for one in truth.meetings if one.vendor == "teams"}
        self.attendees = [one for one in truth.attendees if one.vendor_meeting_id in self.meetings]
        self.intervals = [one for one in truth.intervals if one.vendor_meeting_id in self.meetings]
        self.tenant_id = client.sandbox.settings["TEAMS_TENANT_ID"]
        self.calls = client.rows("/communications/callRecords", filter=SINCE)
        self.online: dict[str, tuple[str, Row]] = {}
        self.reports: dict[str, tuple[Row, list[Row]]] = {}
        self.kinds: dict[str, str] = {}
        self.series: dict[str, set[str]] = defaultdict(set)
        self.titles: dict[str, set[str]] = defaultdict(set)
        self.hosts: dict[str, str] = {}
        self.registrations: dict[str, Row] = {}
        self.events: list[Row] = []
        self.sessions: list[Row] = []
        self._find_meetings()
        for kind, path in (("webinar", "webinars"), ("town_hall", "townhalls")):
            self._find_events(kind, f"/solutions/virtualEvents/{path}")

    def _find_meetings(self) -> None:
        for call in self.calls:
            user, address = call["organizer_v2"]["identity"]["user"], call["joinWebUrl"]
            if address and user["tenantId"] == self.tenant_id:
                for row in self.client.lookup(user["id"], address).body["value"]:
                    self.online[row["id"]] = (user["id"], row)
        for user_id, row in self.online.values():
            listed = self.client.get(meeting_path(user_id, row["id"]) + "/attendanceReports").body["value"]
            for report in listed:
                if FIRST <= moment(report["meetingEndDateTime"]).date() <= LAST:
                    base = f"{meeting_path(user_id, row['id'])}/attendanceReports/{report['id']}"
                    self._keep(report, base, "meeting", row["id"], row["subject"])

    def _find_events(self, kind: str, path: str) -> None:
        for event in self.client.rows(path):
            self.events.append(event)
            base = f"{path}/{event['id']}"
            if datetime.fromisoformat(event["endDateTime"]["dateTime"]).date() < FIRST - timedelta(days=2):
                continue
            for row in self.client.rows(f"{base}/registrations"):
                self.registrations[row["id"]] = row
            for session in self.client.rows(f"{base}/sessions"):
                self.sessions.append(session)
                reports = f"{base}/sessions/{session['id']}/attendanceReports"
                if moment(session["endDateTime"]["dateTime"] + "Z").date() < FIRST - timedelta(days=2):
                    continue
                for report in self.client.rows(reports):
                    if FIRST <= moment(report["meetingEndDateTime"]).date() <= LAST:
                        self._keep(report, f"{reports}/{report['id']}", kind, event["id"], event["displayName"])

    def _keep(self, report: Row, path: str, kind: str, series: str, title: str) -> None:
        if report["id"] not in self.reports:
            self.reports[report["id"]] = report, self.client.rows(f"{path}/attendanceRecords")
        self.kinds[report["id"]] = kind
        self.series[report["id"]].add(series)
        self.titles[report["id"]].add(title)


@pytest.fixture(scope="module", params=["small", "demo"])
def seen(request: pytest.FixtureRequest) -> Iterator[Fortnight]:
    mix = {"teams": 1} if request.param == "small" else MIX
    options = TeamsOptions(rate_limits=False, records_page_size=40)
    with (
        Sandbox(size=request.param, mix=mix, clock=Clock(NOW), teams=options) as sandbox,
        closing(TeamsClient(sandbox)) as client,
    ):
        yield Fortnight(client)


@pytest.mark.parametrize(("size", "mix"), [("small", {"teams": 1}), ("demo", MIX)])
def test_three_weeks_hold_every_kind(size: str, mix: dict[str, float]) -> None:
    organisation = Organisation(7, size, mix)
    for week in range(52):
        first = date(2026, 1, 5) + timedelta(weeks=week)
        held = organisation.ended_between(first, first + timedelta(days=20))
        kinds = Counter(one.kind for one in held if one.vendor == "teams")
        assert set(kinds) == {"meeting", "webinar", "town_hall", "live_event"}
        assert kinds["meeting"] > sum(kinds.values()) / 2


def test_other_vendors_know_meetings_and_webinars_alone() -> None:
    for mix in ({"zoom": 1.0}, {"webex": 1.0}, {"zoom": 1.0, "webex": 1.0}, MIX):
        held = Organisation(7, "demo", mix).ended_between(FIRST, LAST + timedelta(days=14))
        assert {one.kind for one in held if one.vendor != "teams"} == {"meeting", "webinar"}


def test_fields_are_documented_ones(seen: Fortnight) -> None:
    def fields(rows: list[Row]) -> set[str]:
        return {name for row in rows for name in row}

    records = [record for _, held in seen.reports.values() for record in held]
    assert fields(seen.calls) == CALL
    assert fields([row for _, row in seen.online.values()]) == MEETING
    assert fields([report for report, _ in seen.reports.values()]) == REPORT
    assert fields(records) == RECORD
    assert fields([record["identity"] for record in records]) == IDENTITY
    assert fields([one for record in records for one in record["attendanceIntervals"]]) == INTERVAL
    assert fields([event for event in seen.events if "@" in event["id"]]) == WEBINAR
    assert fields([event for event in seen.events if "@" not in event["id"]]) == TOWN_HALL
    assert fields(seen.sessions) == SESSION
    assert fields(list(seen.registrations.values())) == REGISTRATION


def test_times_are_utc_with_up_to_seven_decimals(seen: Fortnight) -> None:
    found: set[int] = set()
    for report, records in seen.reports.values():
        for text in (report["meetingStartDateTime"], report["meetingEndDateTime"]):
            assert re.fullmatch(r"[-0-9]{10}T[:0-9]{8}(\.[0-9]{0,2}[1-9])?Z", text)
        for record in records:
            for interval in record["attendanceIntervals"]:
                for text in (interval["joinDateTime"], interval["leaveDateTime"]):
                    assert re.fullmatch(r"[-0-9]{10}T[:0-9]{8}(\.[0-9]{1,7})?Z", text)
                    found.add(len(text.partition(".")[2].removesuffix("Z")))
    assert found == set(range(8))


def test_every_report_is_found_and_no_other(seen: Fortnight) -> None:
    told = {name: meeting for name, meeting in seen.meetings.items() if meeting.kind != "live_event"}
    assert seen.reports.keys() == told.keys()
    for name, meeting in told.items():
        report, records = seen.reports[name]
        assert seen.kinds[name] == meeting.kind
        assert meeting.series_id in seen.series[name]
        assert meeting.title in seen.titles[name]
        assert moment(report["meetingStartDateTime"]) == meeting.started_at
        assert moment(report["meetingEndDateTime"]) == meeting.ended_at
        assert report["totalParticipantCount"] == meeting.vendor_attendee_count == len(records)
        (host,) = (record["emailAddress"] for record in records if record["role"] == "Organizer")
        assert host == meeting.host_email


def test_records_count_to_what_is_true(seen: Fortnight) -> None:
    for name, (_, records) in seen.reports.items():
        attended: dict[str, list[Span]] = defaultdict(list)
        shown = Counter[tuple[str, datetime, datetime, str]]()
        for record, who in resolved(records, seen.registrations):
            spans = [(moment(i["joinDateTime"]), moment(i["leaveDateTime"])) for i in record["attendanceIntervals"]]
            lengths = [int((left - joined).total_seconds()) for joined, left in spans]
            assert lengths == [one["durationInSeconds"] for one in record["attendanceIntervals"]]
            assert sum(lengths) == record["totalAttendanceInSeconds"]
            attended[who] += spans
            shown.update((record["identity"]["displayName"], *span, "main") for span in spans)
        agree(seen, seen.meetings[name], attended, shown)


def test_live_events_count_to_what_is_true(seen: Fortnight) -> None:
    ended = {moment(call["endDateTime"]): call for call in seen.calls}
    lives = {name: meeting for name, meeting in seen.meetings.items() if meeting.kind == "live_event"}
    assert lives
    headers, missing = set(), 0
    for name, meeting in lives.items():
        user_id, row = seen.online[name]
        assert (row["meetingType"], row["isBroadcast"], row["subject"]) == ("broadcast", True, meeting.title)
        assert row["participants"]["organizer"]["upn"] == meeting.host_email
        assert (moment(row["startDateTime"]), moment(row["endDateTime"])) == (meeting.started_at, meeting.ended_at)
        assert moment(ended[meeting.ended_at]["startDateTime"]) == meeting.started_at
        assert seen.client.rows(meeting_path(user_id, name) + "/attendanceReports") == []
        link = seen.client.get(meeting_path(user_id, name) + "/attendeeReport").headers["location"]
        text = download(seen.client.sandbox, link)
        assert "\n" not in text.replace("\r\n", "")
        header, *rows = csv.reader(io.StringIO(text))
        headers.add(header[0])
        sessions: dict[str, dict[str, list[str]]] = defaultdict(dict)
        for line in rows:
            sessions[line[0]][line[5]] = line
        missing += sum("Left" not in one for one in sessions.values())
        assert meeting.vendor_attendee_count == meeting.join_count == len(sessions)
        owners = {fold(one["Joined"][2]): one["Joined"][1] for one in sessions.values() if one["Joined"][1]}
        attended: dict[str, list[Span]] = defaultdict(list)
        shown = Counter[tuple[str, datetime, datetime, str]]()
        for one in sessions.values():
            joined = american(one["Joined"][4])
            left = american(one["Left"][4]) if "Left" in one else meeting.ended_at
            name_shown = one["Joined"][2]
            attended[one["Joined"][1] or owners.get(fold(name_shown), fold(name_shown))].append((joined, left))
            shown[name_shown, joined, left, "main"] += 1
        agree(seen, meeting, attended, shown)
    assert missing
    assert headers <= {"Session Id", "SessionId"}


def agree(
    seen: Fortnight,
    meeting: MeetingTruth,
    attended: dict[str, list[Span]],
    shown: "Counter[tuple[str, datetime, datetime, str]]",
) -> None:
    """Second by second: the union per person, the sum, and how many are together."""
    name = meeting.vendor_meeting_id
    present = {who: seconds(spans) for who, spans in attended.items()}
    together = Counter(second for held in present.values() for second in held)
    assert meeting.attendee_count == len(attended)
    assert meeting.join_count == sum(map(len, attended.values()))
    assert meeting.device_seconds == sum(length(span) for spans in attended.values() for span in spans)
    assert meeting.attended_seconds == sum(map(len, present.values()))
    assert meeting.active_seconds == sum(count >= 2 for count in together.values())
    assert meeting.peak_attendees == max(together.values())
    assert shown == Counter(
        (one.display_name, one.joined_at, one.left_at, one.room)
        for one in seen.intervals
        if one.vendor_meeting_id == name
    )
    assert Counter(
        (who if "@" in who else None, len(spans), len(present[who]), sum(map(length, spans)))
        for who, spans in attended.items()
    ) == Counter(
        (one.email, one.join_count, one.attended_seconds, one.device_seconds)
        for one in seen.attendees
        if one.vendor_meeting_id == name
    )


def resolved(records: list[Row], registrations: dict[str, Row]) -> list[tuple[Row, str]]:
    """Each record with whose it is: by e-mail, its own or the registration's; else by the name."""
    emails = [
        record["emailAddress"] or registrations.get(record.get("registrationId", ""), {}).get("email", "")
        for record in records
    ]
    owners: dict[str, set[str]] = defaultdict(set)
    for record, email in zip(records, emails, strict=True):
        if email:
            owners[fold(record["identity"]["displayName"])].add(email)
    found = []
    for record, email in zip(records, emails, strict=True):
        name = fold(record["identity"]["displayName"])
        assert email or len(owners[name]) <= 1, "a bare name that two people have"
        found.append((record, email or next(iter(owners[name]), name)))
    return found


def test_every_awkward_case_is_there(seen: Fortnight) -> None:
    records = [record for _, held in seen.reports.values() for record in held]
    own = seen.tenant_id
    tenants = {record["identity"].get("tenantId") for record in records}
    assert own in tenants
    if len(seen.meetings) > 50:
        assert tenants - {own, None}, "guests signed in elsewhere"
        assert any(one.duration_seconds == 0 for one in seen.intervals)
        assert any(meeting.attendee_count == 1 for meeting in seen.meetings.values())
    assert {record["emailAddress"] for record in records if not record.get("id")} == {None, ""}
    assert {record["role"] for record in records} == {"Organizer", "Presenter", "Attendee"}
    assert any(one.device_seconds > one.attended_seconds for one in seen.attendees)
    assert any(len(record["attendanceIntervals"]) > 1 for record in records)
    assert any(one.join_count > 1 and one.attended_seconds == one.device_seconds for one in seen.attendees)
    assert any(record.get("registrationId") and not record["emailAddress"] for record in records)
    assert any(len(series) > 1 for series in seen.series.values()), "channels"


def test_a_move_between_rooms_is_not_told(seen: Fortnight) -> None:
    """Who was in a breakout and back has one interval, though the organisation knows of three pieces."""
    organisation, told = seen.client.sandbox.organisation, 0
    for held in seen.client.sandbox.teams.held(FIRST, LAST):
        # asked for as it was planned: in the truth it may have its series' title
        planned = organisation.occurrences(held.occurrence.day)[held.occurrence.index]
        stays = [one for one in organisation.stays(planned) if one.room != "waiting"]
        if any(one.room == "breakout" for one in stays):
            told += 1
            assert len(held.stays) < len(stays)
        happened, shown = ({one.person for one in many} for many in (stays, held.stays))
        assert happened == shown
        assert {one.room for one in held.stays} == {"main"}
    assert told or len(seen.meetings) < 50


def test_a_past_day_is_the_same_whenever_it_is_asked_for() -> None:
    told = []
    for now in (NOW, NOW + timedelta(days=40, hours=5)):
        options = TeamsOptions(rate_limits=False)
        with (
            Sandbox(size="small", mix={"teams": 1}, clock=Clock(now), teams=options) as sandbox,
            closing(TeamsClient(sandbox)) as client,
        ):
            kept = []
            for held in sandbox.teams.held(FIRST, LAST):
                if held.occurrence.kind == "meeting":
                    identity = sandbox.teams.tenant.identity
                    base = meeting_path(identity.user_id(held.occurrence.host), held.series_id)
                    rows = client.rows(f"{base}/attendanceReports/{held.vendor_meeting_id}/attendanceRecords")
                    kept.append((held.vendor_meeting_id, rows))
            told.append((kept, sandbox.truth(FIRST, LAST).meetings))

    assert told[0] == told[1]


def download(sandbox: Sandbox, link: str) -> str:
    assert link.startswith(sandbox.downloads_url)
    with closing(http.client.HTTPConnection(urlsplit(link).netloc, timeout=20)) as connection:
        connection.request("GET", urlsplit(link).path)
        response = connection.getresponse()
        assert (response.status, response.headers["Content-Type"]) == (200, "text/csv;charset=UTF-8")
        return response.read().decode()


def american(text: str) -> datetime:
    assert re.fullmatch(r"[1-9][0-9]?/[1-9][0-9]?/[0-9]{4} [1-9][0-9]?:[0-9]{2}:[0-9]{2} [AP]M", text)
    return datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC)


def length(span: Span) -> int:
    return int((span[1] - span[0]).total_seconds())


def seconds(spans: list[Span]) -> set[int]:
    held: set[int] = set()
    for begin, end in spans:
        held.update(range(int(begin.timestamp()), int(end.timestamp())))
    return held


def fold(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
