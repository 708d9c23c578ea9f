"""Attendance reports of meetings: lists, pages, channels, and what a tenant may switch off."""

from contextlib import closing
from datetime import timedelta

from attendance_pipeline.sandbox import Sandbox, TeamsOptions
from attendance_pipeline.sandbox.model import Series

from .client import Clock
from .teams_client import TeamsClient, an_occurrence, error, meeting_path, moment, path_of

OUT_OF_RANGE = (
    "Index was out of range. Must be non-negative and less than the size of the collection.\r\nParameter name: index"
)
EVENTS = "/solutions/virtualEvents"


def test_a_report_is_listed_without_its_records(teams: TeamsClient) -> None:
    occurrence = an_occurrence(teams.sandbox, "meeting", booking="recurring")
    path, identity = path_of(teams.sandbox, occurrence), teams.sandbox.teams.tenant.identity

    (report,) = (
        row for row in teams.rows(f"{path}/attendanceReports") if row["id"] == identity.report_id(occurrence)
    )
    assert set(report) == {"id", "totalParticipantCount", "meetingStartDateTime", "meetingEndDateTime"}
    one = teams.get(f"{path}/attendanceReports/{report['id']}").body
    assert one.pop("@odata.context").startswith(f"{teams.sandbox.url}/graph/v1.0/$metadata#")
    assert one == report
    whole = teams.get(f"{path}/attendanceReports/{report['id']}", query={"$expand": "attendanceRecords"}).body
    records = teams.rows(f"{path}/attendanceReports/{report['id']}/attendanceRecords")
    assert whole["attendanceRecords"] == records
    assert whole.items() >= report.items()
    beta = teams.pages(f"{path}/attendanceReports/{report['id']}/attendanceRecords", version="beta")
    assert [row for page in beta for row in page] == records
    refused = teams.get(f"{path}/attendanceReports/{report['id']}", query={"$expand": "records"})
    assert error(refused)[:2] == (400, "BadRequest")


def test_a_list_has_the_newest_fifty(teams: TeamsClient, teams_options: TeamsOptions) -> None:
    daily = next(one for one in teams.sandbox.organisation.series if len(one.weekdays) == 5)
    teams_options.channels = False
    identity = teams.sandbox.teams.tenant.identity
    path = meeting_path(identity.user_id(daily.host), identity.meeting_id(daily)) + "/attendanceReports"

    rows = teams.rows(path)
    ends = [moment(row["meetingEndDateTime"]) for row in rows]
    assert (len(rows), ends) == (50, sorted(ends, reverse=True))
    assert teams.sandbox.now() - ends[0] < timedelta(days=4)
    teams_options.newest_first = False
    assert teams.rows(path) == rows[::-1]
    # what the list has no more is still there
    old = teams.sandbox.organisation.occurrences_of(daily, teams.sandbox.now(), timedelta(days=200))
    report = identity.report_id(list(old)[-1])
    assert report not in {row["id"] for row in rows}
    assert teams.get(f"{path}/{report}").status == 200


def test_records_come_in_pages(teams: TeamsClient, teams_options: TeamsOptions) -> None:
    occurrence = an_occurrence(teams.sandbox, "town_hall", title="Town hall with partners")
    identity = teams.sandbox.teams.tenant.identity
    session = identity.session_id(occurrence.series, occurrence.day)
    base = f"{EVENTS}/townhalls/{identity.event_id(occurrence.series)}/sessions/{session}/attendanceReports"
    path = f"{base}/{identity.report_id(occurrence)}"

    pages = teams.pages(f"{path}/attendanceRecords")
    rows = [row for page in pages for row in page]
    assert {len(page) for page in pages[:-1]} == {100}
    assert len(rows) == teams.get(path).body["totalParticipantCount"] > 300
    whole = teams.get(path, query={"$expand": "attendanceRecords"}).body
    assert whole["attendanceRecords"] == pages[0]
    following = teams.follow(whole["attendanceRecords@odata.nextLink"]).body
    assert following["value"] == pages[1]
    teams_options.records_page_size = 1_000
    assert teams.pages(f"{path}/attendanceRecords") == [rows]


def test_the_deprecated_path_has_the_latest_session(teams: TeamsClient, teams_options: TeamsOptions) -> None:
    occurrence = an_occurrence(teams.sandbox, "meeting", booking="recurring")
    path, identity = path_of(teams.sandbox, occurrence), teams.sandbox.teams.tenant.identity
    teams_options.records_page_size = 1

    bare = teams.get(f"{path}/meetingAttendanceReport", version="beta").body
    assert bare["id"] == identity.report_id(occurrence)
    assert "attendanceRecords" not in bare
    whole = teams.get(f"{path}/meetingAttendanceReport", version="beta", query={"$expand": "attendanceRecords"}).body
    records = teams.pages(f"{path}/attendanceReports/{bare['id']}/attendanceRecords", version="beta")
    assert whole["attendanceRecords"] == records[0]
    assert teams.follow(whole["attendanceRecords@odata.nextLink"]).body["value"] == records[1]

    meeting_id = identity.meeting_id(occurrence.series)
    teams_options.list_refused = lambda asked: asked == meeting_id
    assert error(teams.get(f"{path}/attendanceReports"))[0] == 400
    assert error(teams.get(f"{path}/attendanceReports/{bare['id']}"))[0] == 400
    assert teams.get(f"{path}/meetingAttendanceReport", version="beta").body["id"] == bare["id"]


def test_ids_that_are_none_are_refused_as_recorded(teams: TeamsClient) -> None:
    occurrence = an_occurrence(teams.sandbox, "meeting")
    identity, path = teams.sandbox.teams.tenant.identity, path_of(teams.sandbox, occurrence)
    user_id = identity.user_id(occurrence.host)
    gone = Series("nobody's", "scheduled", "meeting", occurrence.host, "Nobody's", 0, only_on=occurrence.day)
    webinar = an_occurrence(teams.sandbox, "webinar")

    unknown = (400, "BadRequest", OUT_OF_RANGE)
    made_up = "b0000000-0000-4000-8000-000000000000"
    for report in (made_up, "made-up", identity.report_id(webinar)):
        assert error(teams.get(f"{path}/attendanceReports/{report}")) == unknown
        assert error(teams.get(f"{path}/attendanceReports/{report}/attendanceRecords")) == unknown
    assert error(teams.get(meeting_path(user_id, identity.meeting_id(gone)) + "/attendanceReports")) == unknown
    for corrupted in ("made-up", "MSpub25zZW5zZQ==", "%20"):
        reply = teams.get(f"/users/{user_id}/onlineMeetings/{corrupted}/attendanceReports")
        assert error(reply) == (400, "BadRequest", "Meeting Id is corrupted.")
    by_name = teams.get(f"/users/{occurrence.host.email}/onlineMeetings/x/attendanceReports")
    assert by_name.status == 404


def test_a_report_comes_minutes_after_the_end(clock: Clock) -> None:
    with (
        Sandbox(size="small", mix={"teams": 1}, clock=clock, teams=TeamsOptions(rate_limits=False)) as sandbox,
        closing(TeamsClient(sandbox)) as client,
    ):
        occurrence = an_occurrence(sandbox, "meeting", booking="scheduled")
        report_at = sandbox.teams.tenant.settling.report_at(occurrence)
        assert timedelta(minutes=5) <= report_at - occurrence.ended_at <= timedelta(minutes=20)
        path, report = path_of(sandbox, occurrence), sandbox.teams.tenant.identity.report_id(occurrence)

        clock.now = report_at - timedelta(seconds=1)
        assert client.rows(f"{path}/attendanceReports") == []
        assert error(client.get(f"{path}/attendanceReports/{report}")) == (400, "BadRequest", OUT_OF_RANGE)
        clock.advance(seconds=1)
        assert [row["id"] for row in client.rows(f"{path}/attendanceReports")] == [report]
        day = occurrence.ended_at.date()
        told = {one.vendor_meeting_id: one for one in sandbox.truth(day, day).meetings}
        assert told[report].report_ready_at == report_at


def test_a_channels_meetings_are_listed_together(teams: TeamsClient, teams_options: TeamsOptions) -> None:
    tenant = teams.sandbox.teams.tenant
    identity = tenant.identity
    channels: dict[int, list[Series]] = {}
    for one in teams.sandbox.organisation.series:
        number = tenant.bookings.channel_of(one)
        if number is not None:
            channels.setdefault(number, []).append(one)
    assert {len(held) for held in channels.values()} == {2}

    first, second = channels[0]
    paths = [meeting_path(identity.user_id(one.host), identity.meeting_id(one)) for one in (first, second)]
    assert identity.name_of(first).thread == identity.name_of(second).thread
    listed = [teams.rows(f"{path}/attendanceReports") for path in paths]
    assert listed[0] == listed[1]
    since, until = timedelta(days=20), teams.sandbox.now()
    ours, theirs = (
        {identity.report_id(o) for o in teams.sandbox.organisation.occurrences_of(one, until, since)}
        for one in (first, second)
    )
    ids = {row["id"] for row in listed[0]}
    assert ours & ids
    assert theirs & ids
    report = next(iter(theirs & ids))
    assert teams.rows(f"{paths[0]}/attendanceReports/{report}/attendanceRecords")
    refused = teams.get(f"{paths[0]}/attendanceReports/{report}")
    assert error(refused)[:2] == (400, "BadRequest")
    assert "not supported for channel meetings" in error(refused)[2]
    for row in teams.lookup(identity.user_id(first.host), identity.join_url(first)).body["value"]:
        assert row["chatInfo"]["threadId"].endswith("@thread.tacv2")

    teams_options.channels = False
    path = meeting_path(identity.user_id(first.host), identity.meeting_id(first))
    alone = {row["id"] for row in teams.rows(f"{path}/attendanceReports")}
    assert ours & alone
    assert not theirs & alone


def test_reports_can_be_switched_off(teams: TeamsClient, teams_options: TeamsOptions) -> None:
    occurrence = an_occurrence(teams.sandbox, "meeting")
    tenant = teams.sandbox.teams.tenant
    series_id, report = tenant.identity.series_id(occurrence.series), tenant.identity.report_id(occurrence)
    day, path = occurrence.ended_at.date(), path_of(teams.sandbox, occurrence)
    assert report in {one.vendor_meeting_id for one in teams.sandbox.truth(day, day).meetings}

    teams_options.reports_off = lambda asked: asked == series_id
    assert teams.rows(f"{path}/attendanceReports") == []
    assert error(teams.get(f"{path}/attendanceReports/{report}")) == (400, "BadRequest", OUT_OF_RANGE)
    assert report not in {one.vendor_meeting_id for one in teams.sandbox.truth(day, day).meetings}


def test_reports_can_say_who_and_not_when(teams: TeamsClient, teams_options: TeamsOptions) -> None:
    occurrence = an_occurrence(teams.sandbox, "meeting")
    tenant = teams.sandbox.teams.tenant
    series_id, report = tenant.identity.series_id(occurrence.series), tenant.identity.report_id(occurrence)
    path = f"{path_of(teams.sandbox, occurrence)}/attendanceReports/{report}/attendanceRecords"
    names = {row["identity"]["displayName"] for row in teams.rows(path)}

    teams_options.identity_only = lambda asked: asked == series_id
    rows = teams.rows(path)
    assert {row["identity"]["displayName"] for row in rows} == names
    assert all(row["attendanceIntervals"] == [] for row in rows)
    assert all(row["totalAttendanceInSeconds"] is None for row in rows)
