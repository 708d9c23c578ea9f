"""Which calls there are, and how call records, users, calendars and lookups are asked for."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from attendance_pipeline.sandbox import Sandbox, TeamsOptions

from .client import Clock
from .teams_client import Row, TeamsClient, an_occurrence, error, meeting_path, moment, path_of

CALLS = "/communications/callRecords"
WINDOW = {"startDateTime": "2026-03-01T00:00:00Z", "endDateTime": "2026-03-16T00:00:00Z"}


@pytest.mark.parametrize(
    ("path", "version", "there"),
    [
        ("/users", "v1.0", True),
        ("/users", "beta", True),
        ("/users", "v2.0", False),
        ("/Users", "v1.0", False),
        ("/me", "v1.0", False),
        ("/users/x", "v1.0", False),
        ("/communications/calls", "v1.0", False),
        ("/users/x/onlineMeetings/y/meetingAttendanceReport", "v1.0", False),
        ("/users/x/onlineMeetings/y/recording", "v1.0", False),
        ("/users/x/onlineMeetings/y/attendeeReport", "v1.0", True),
        ("/users/x/onlineMeetings/y/meetingAttendanceReport", "beta", True),
        ("/users/x/onlineMeetings/y/alternativeRecording", "beta", True),
    ],
)
def test_each_version_has_its_own_paths(teams: TeamsClient, path: str, version: str, there: bool) -> None:
    reply = teams.get(path, version=version)

    missing = reply.status == 404 and reply.body["error"]["message"].startswith("Resource not found for the segment")
    assert missing == (not there)
    if missing:
        assert error(reply)[:2] == (404, "NotFound")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/users", {"$skip": 1}),
        ("/users", {"$top": 1_000}),
        ("/users", {"$top": "many"}),
        ("/users", {"$select": "id,nickname"}),
        ("/users", {"top": 5}),
        ("/users", {"$skiptoken": "made-up"}),
        (CALLS, {"$top": 5}),
        (CALLS, {"$expand": "sessions"}),
        (CALLS, {"$select": "id,sessions"}),
        (CALLS, {"$filter": "endDateTime ge 2026-03-01T00:00:00Z"}),
        (CALLS, {"$filter": "startDateTime eq 2026-03-01T00:00:00Z"}),
        (CALLS, {"$filter": "startDateTime ge yesterday"}),
        (CALLS, {"$filter": "startDateTime ge 2026-03-01T00:00:00Z or startDateTime lt 2026-03-01T00:00:00Z"}),
        ("/users/x/onlineMeetings", {}),
        ("/users/x/onlineMeetings", {"$filter": "subject eq 'x'"}),
        ("/users/x/onlineMeetings/y/attendanceReports", {"$count": "true"}),
        ("/users/x/onlineMeetings/y/attendanceReports", {"$expand": "attendanceRecords"}),
        ("/solutions/virtualEvents/webinars", {"$top": 5}),
        ("/solutions/virtualEvents/webinars/x/sessions", {"$select": "id"}),
    ],
)
def test_what_is_not_an_option_there_is_refused(teams: TeamsClient, path: str, query: dict[str, object]) -> None:
    assert error(teams.get(path, query=query))[:2] == (400, "BadRequest")


def test_only_get_is_understood(teams: TeamsClient) -> None:
    for method in ("POST", "PATCH", "DELETE"):
        assert error(teams.get("/users", method=method))[:2] == (400, "BadRequest")
    assert error(teams.get("/$batch"))[:2] == (400, "BadRequest")


def test_an_answer_names_its_request(teams: TeamsClient) -> None:
    reply = teams.get("/users", headers={"client-request-id": "mine"})
    assert reply.headers["client-request-id"] == "mine"
    assert reply.headers["request-id"] not in ("mine", "")
    refused = teams.get("/nowhere", headers={"client-request-id": "mine"})
    assert refused.body["error"]["innerError"]["client-request-id"] == "mine"


def test_call_records_come_in_pages(teams: TeamsClient) -> None:
    pages = teams.pages(CALLS)
    rows = [row for page in pages for row in page]

    assert [len(page) for page in pages[:-1]] == [60] * (len(pages) - 1)
    assert len(pages) > 1
    assert len({row["id"] for row in rows}) == len(rows)
    assert [row["startDateTime"] for row in rows] == sorted(row["startDateTime"] for row in rows)
    smaller = teams.pages(CALLS, {"Prefer": "odata.maxpagesize=25"})
    assert {len(page) for page in smaller[:-1]} == {25}
    assert [row for page in smaller for row in page] == rows
    assert len(teams.get(CALLS, headers={"Prefer": "odata.maxpagesize=500"}).body["value"]) == 60


def test_a_page_that_forgets_to_prefer_has_the_usual_size(teams: TeamsClient) -> None:
    first = teams.get(CALLS, headers={"Prefer": "odata.maxpagesize=5"}).body
    link = first["@odata.nextLink"]

    assert {"$skiptoken"} == set(dict(parse_qsl(urlsplit(link).query)))
    assert len(teams.follow(link).body["value"]) == 60


def test_call_records_are_filtered_by_their_start(teams: TeamsClient) -> None:
    rows = teams.rows(CALLS)
    bound = rows[len(rows) // 2]["startDateTime"]
    for operator, keeps in (
        ("ge", lambda start: start >= bound),
        ("gt", lambda start: start > bound),
        ("le", lambda start: start <= bound),
        ("lt", lambda start: start < bound),
    ):
        found = teams.rows(CALLS, filter=f"startDateTime {operator} {bound}")
        assert found == [row for row in rows if keeps(row["startDateTime"])]
    assert teams.rows(CALLS, filter=f"startDateTime ge {bound} and startDateTime lt {bound}") == []


def test_call_records_reach_thirty_days_back_and_come_late(teams: TeamsClient, clock: Clock) -> None:
    rows = teams.rows(CALLS)
    starts = [moment(row["startDateTime"]) for row in rows]
    assert clock.now - timedelta(days=30) <= min(starts) <= clock.now - timedelta(days=28)
    for row in rows:
        late = moment(row["lastModifiedDateTime"]) - moment(row["endDateTime"])
        assert timedelta(minutes=30) <= late <= timedelta(minutes=150)
        assert moment(row["lastModifiedDateTime"]) <= clock.now

    oldest = rows[0]["id"]
    assert teams.get(f"{CALLS}/{oldest}").status == 200
    clock.now = starts[0] + timedelta(days=30, seconds=1)
    teams.token = ""
    assert error(teams.get(f"{CALLS}/{oldest}")) == (404, "NotFound", "Resource not found.")
    assert error(teams.get(f"{CALLS}/made-up"))[:2] == (404, "NotFound")
    assert oldest not in {row["id"] for row in teams.rows(CALLS)}


def test_a_call_record_comes_once_it_is_written(teams: TeamsClient, clock: Clock) -> None:
    calls = {row["id"]: row for row in teams.rows(CALLS)}
    clock.advance(hours=4)
    teams.token = ""
    new = [row for row in teams.rows(CALLS) if row["id"] not in calls]
    assert new
    assert all(moment(row["lastModifiedDateTime"]) > clock.now - timedelta(hours=4) for row in new)


def kind_of(row: Row, tenant_id: str) -> str:
    if not row["joinWebUrl"]:
        return str(row["type"])
    own = row["organizer_v2"]["identity"]["user"]["tenantId"] == tenant_id
    return "meeting" if own else "foreign"


def test_not_every_call_is_a_meeting_of_ours(teams: TeamsClient, teams_options: TeamsOptions) -> None:
    tenant_id = teams.sandbox.settings["TEAMS_TENANT_ID"]
    rows = teams.rows(CALLS)
    assert {kind_of(row, tenant_id) for row in rows} == {"meeting", "peerToPeer", "groupCall", "foreign"}
    foreign = next(row for row in rows if kind_of(row, tenant_id) == "foreign")
    user_id = foreign["organizer_v2"]["identity"]["user"]["id"]
    assert error(teams.lookup(user_id, foreign["joinWebUrl"]))[:2] == (403, "Forbidden")
    own = next(iter(teams.rows("/users")))["id"]
    assert teams.lookup(own, foreign["joinWebUrl"]).body["value"] == []

    teams_options.stray_calls = teams_options.foreign_calls = False
    assert {kind_of(row, tenant_id) for row in teams.rows(CALLS)} == {"meeting"}


def test_one_call_record_is_expanded_page_by_page(teams: TeamsClient) -> None:
    occurrence = an_occurrence(teams.sandbox, "town_hall", title="Town hall with partners")
    record = f"{CALLS}/{teams.sandbox.teams.tenant.identity.call_id(occurrence.day, occurrence.id)}"

    bare = teams.get(record).body
    assert "participants_v2" not in bare
    assert bare["organizer_v2"]["identity"]["user"]["displayName"] == occurrence.host.name
    whole = teams.get(record, query={"$expand": "participants_v2,sessions"}).body
    for name, size in (("participants_v2", 130), ("sessions", 60)):
        assert len(whole[name]) <= size
        assert whole[name] == teams.rows(f"{record}/{name}")[:size]
        assert ((f"{name}@odata.nextLink") in whole) == (len(teams.rows(f"{record}/{name}")) > size)
    visitors = [one["identity"]["user"]["id"] for one in whole["participants_v2"]]
    assert any(one.startswith("teamsvisitor:") for one in visitors)
    assert error(teams.get(record, query={"$expand": "organizer"}))[:2] == (400, "BadRequest")


def test_a_call_can_be_missing_from_the_records(teams: TeamsClient, teams_options: TeamsOptions) -> None:
    occurrence = an_occurrence(teams.sandbox, "meeting", booking="recurring")
    identity = teams.sandbox.teams.tenant.identity
    report, call = identity.report_id(occurrence), identity.call_id(occurrence.day, occurrence.id)
    assert call in {row["id"] for row in teams.rows(CALLS)}

    teams_options.hidden_from_call_records = lambda asked: asked == report
    assert call not in {row["id"] for row in teams.rows(CALLS)}
    listed = teams.rows(f"{path_of(teams.sandbox, occurrence)}/attendanceReports")
    assert report in {row["id"] for row in listed}


def test_users_come_with_what_is_selected(teams: TeamsClient) -> None:
    rows = teams.rows("/users")
    assert {tuple(row) for row in rows} == {("id", "displayName", "jobTitle", "mail", "userPrincipalName")}
    assert len(rows) == 15, "all but the deleted one"
    selected = teams.rows("/users", select="id,accountEnabled", top=4)
    assert {tuple(row) for row in selected} == {("id", "accountEnabled")}
    assert [row["id"] for row in selected] == [row["id"] for row in rows]
    assert sum(not row["accountEnabled"] for row in selected) == 2
    assert [len(page) for page in teams.pages("/users", top=4)] == [4, 4, 4, 3]
    assert len(teams.rows("/users", filter="accountEnabled eq true and userType eq 'Member'")) == 13
    refused = teams.get("/users", query={"$filter": "startsWith(mail,'a')"})
    assert error(refused)[:2] == (400, "Request_UnsupportedQuery")


def events_of(teams: TeamsClient, **query: object) -> list[Row]:
    return [row for user in teams.rows("/users") for row in calendar(teams, user["id"], **query)]


def calendar(teams: TeamsClient, user_id: str, **query: object) -> list[Row]:
    return teams.rows(f"/users/{user_id}/calendarView", **WINDOW, **query)


def test_a_calendar_is_asked_for_a_window(teams: TeamsClient) -> None:
    user_id = teams.rows("/users")[0]["id"]
    path = f"/users/{user_id}/calendarView"
    for query in ({}, {"startDateTime": WINDOW["startDateTime"]}, WINDOW | {"endDateTime": "soon"}):
        assert error(teams.get(path, query=query))[:2] == (400, "ErrorInvalidParameter")
    backwards = {"startDateTime": WINDOW["endDateTime"], "endDateTime": WINDOW["startDateTime"]}
    assert error(teams.get(path, query=backwards))[:2] == (400, "ErrorInvalidParameter")

    pages = teams.pages(path, **WINDOW)
    assert [len(page) for page in pages[:-1]] == [10] * (len(pages) - 1)
    rows = [row for page in pages for row in page]
    assert len(pages) > 1
    for row in rows:
        assert (row["start"]["timeZone"], row["start"]["dateTime"][-8:]) == ("UTC", ".0000000")
    assert [row["start"]["dateTime"] for row in rows] == sorted(row["start"]["dateTime"] for row in rows)
    assert len({(row["id"]) for row in rows}) == len(rows)
    assert teams.rows(path, **WINDOW, top=200) == rows
    assert teams.rows(path, {"Prefer": "odata.maxpagesize=50"}, **WINDOW) == rows
    link = teams.get(path, query=dict(WINDOW)).body["@odata.nextLink"]
    assert dict(parse_qsl(urlsplit(link).query)) == WINDOW | {"$skip": "10"}
    only = teams.rows(path, **WINDOW, select="subject,isOrganizer")
    assert {tuple(row) for row in only} == {("id", "subject", "isOrganizer")}


def test_calendars_name_what_was_booked_and_some_that_never_was_held(
    teams: TeamsClient, teams_options: TeamsOptions
) -> None:
    identity = teams.sandbox.teams.tenant.identity
    booked = {row["onlineMeeting"]["joinUrl"] for row in events_of(teams) if row["isOrganizer"]}
    yesterday = teams.sandbox.now().date() - timedelta(days=1)
    ended = [one.occurrence for one in teams.sandbox.teams.held(yesterday - timedelta(days=9), yesterday)]
    for one in ended:
        calendared = one.series.booking in ("scheduled", "recurring") and one.host.status != "deleted"
        assert (identity.join_url(one.series) in booked) == calendared
    assert {one.series.booking for one in ended} > {"scheduled", "recurring"}, "some were started ad hoc"

    unheld = [row for row in events_of(teams) if row["subject"].startswith("Postponed")]
    assert unheld
    for row in unheld:
        address = row["onlineMeeting"]["joinUrl"]
        organizer = next(u for u in teams.rows("/users") if u["mail"] == row["organizer"]["emailAddress"]["address"])
        (meeting,) = teams.lookup(organizer["id"], address).body["value"]
        assert teams.rows(meeting_path(organizer["id"], meeting["id"]) + "/attendanceReports") == []
    teams_options.unheld = False
    assert not [row for row in events_of(teams) if row["subject"].startswith("Postponed")]


def test_calendars_hold_other_meetings_and_other_peoples() -> None:
    options = TeamsOptions(rate_limits=False)
    with Sandbox(size="small", mix={"zoom": 1, "teams": 1}, clock=Clock(), teams=options) as sandbox:
        client = TeamsClient(sandbox)
        rows = events_of(client)
        client.close()

    assert {(row["isOnlineMeeting"], row["onlineMeetingProvider"]) for row in rows} == {
        (True, "teamsForBusiness"),
        (False, "unknown"),
    }
    assert all((row["onlineMeeting"] is None) != row["isOnlineMeeting"] for row in rows)
    assert {row["isOrganizer"] for row in rows} == {True, False}
    assert {row["type"] for row in rows} == {"occurrence", "singleInstance"}
    assert all((row["seriesMasterId"] is None) == (row["type"] == "singleInstance") for row in rows)


def test_a_meeting_can_be_missing_from_calendars(teams: TeamsClient, teams_options: TeamsOptions) -> None:
    occurrence = an_occurrence(teams.sandbox, "meeting", booking="recurring")
    identity = teams.sandbox.teams.tenant.identity
    series_id, user_id = identity.series_id(occurrence.series), identity.user_id(occurrence.host)
    subjects = {row["subject"] for row in calendar(teams, user_id)}
    teams_options.hidden_from_calendar = lambda asked: asked == series_id

    assert subjects - {row["subject"] for row in calendar(teams, user_id)} == {occurrence.series.title}


def test_a_user_may_have_no_mailbox(teams: TeamsClient, teams_options: TeamsOptions) -> None:
    user_id = teams.rows("/users")[0]["id"]
    teams_options.without_mailbox = lambda asked: asked == user_id
    path = f"/users/{user_id}/calendarView"
    assert error(teams.get(path, query=dict(WINDOW)))[:2] == (404, "MailboxNotEnabledForRESTAPI")
    deleted = teams.sandbox.teams.tenant.identity.user_id(teams.sandbox.organisation.employee("deleted"))
    for missing in (deleted, "made-up"):
        reply = teams.get(f"/users/{missing}/calendarView", query=dict(WINDOW))
        assert error(reply)[:2] == (404, "Request_ResourceNotFound")


def test_a_join_url_must_arrive_encoded_twice(teams: TeamsClient) -> None:
    identity = teams.sandbox.teams.tenant.identity
    occurrence = an_occurrence(teams.sandbox, "meeting")
    user_id, address = identity.user_id(occurrence.host), identity.join_url(occurrence.series)
    assert address.startswith("https://teams.microsoft.com/l/meetup-join/19%3ameeting_")
    condition = f"JoinWebUrl eq '{address}'"

    twice = teams.get(f"/users/{user_id}/onlineMeetings?$filter={quote(condition, safe='')}")
    assert "%253a" in quote(condition, safe="")
    (found,) = twice.body["value"]
    assert found["joinWebUrl"] == address
    once = teams.get(f"/users/{user_id}/onlineMeetings?$filter={condition.replace(' ', '%20')}")
    assert (once.status, once.body["value"]) == (200, [])
    assert teams.lookup(user_id, address.replace("%3a", "%3A")).body["value"] == []
    assert teams.lookup(user_id, address + "x").body["value"] == []


def test_a_lookup_can_miss_in_two_ways(teams: TeamsClient, teams_options: TeamsOptions) -> None:
    user_id = teams.rows("/users")[0]["id"]
    assert teams.lookup(user_id, "https://teams.example/x").body["value"] == []
    teams_options.missing_meeting = "not_found"
    assert error(teams.lookup(user_id, "https://teams.example/x")) == (404, "NotFound", "Resource not found.")


def test_a_meeting_expires_but_its_id_stays_good(teams: TeamsClient, clock: Clock) -> None:
    identity = teams.sandbox.teams.tenant.identity
    occurrence = an_occurrence(teams.sandbox, "meeting", booking="scheduled")
    user_id, address = identity.user_id(occurrence.host), identity.join_url(occurrence.series)
    path, report = path_of(teams.sandbox, occurrence), identity.report_id(occurrence)
    assert teams.get(path).body["subject"] == occurrence.title

    clock.now = datetime.combine(occurrence.day, clock.now.timetz()) + timedelta(days=61)
    teams.token = ""
    assert teams.lookup(user_id, address).body["value"] == []
    assert error(teams.get(path)) == (404, "NotFound", "Resource not found.")
    assert teams.rows(f"{path}/attendanceReports/{report}/attendanceRecords")

    clock.now = occurrence.ended_at + timedelta(days=365, seconds=1)
    teams.token = ""
    assert teams.rows(f"{path}/attendanceReports") == []
    assert error(teams.get(f"{path}/attendanceReports/{report}"))[:2] == (400, "BadRequest")


def test_a_recurring_meeting_lives_on(teams: TeamsClient, clock: Clock) -> None:
    occurrence = an_occurrence(teams.sandbox, "meeting", booking="recurring")
    clock.now = datetime(2027, 3, 16, 15, tzinfo=UTC)
    assert teams.get(path_of(teams.sandbox, occurrence)).body["meetingType"] == "recurring"
