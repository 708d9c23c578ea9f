"""Webinars and town halls."""

import pytest

from attendance_pipeline.sandbox import TeamsOptions
from attendance_pipeline.sandbox.model import Series

from .teams_client import Row, TeamsClient, an_occurrence, error, meeting_path, moment

OUT_OF_RANGE = (
    "Index was out of range. Must be non-negative and less than the size of the collection.\r\nParameter name: index"
)
EVENTS = "/solutions/virtualEvents"


def test_records_can_say_their_type(teams: TeamsClient, teams_options: TeamsOptions) -> None:
    occurrence = an_occurrence(teams.sandbox, "webinar")
    records = records_of(teams, occurrence.series, "webinars")
    assert not any("@odata.type" in row or "@odata.type" in row["identity"] for row in records)

    teams_options.odata_types = True
    records = records_of(teams, occurrence.series, "webinars")
    assert {row["@odata.type"] for row in records} == {"#microsoft.graph.attendanceRecord"}
    assert {row["identity"]["@odata.type"] for row in records} == {
        "#microsoft.graph.communicationsUserIdentity",
        "#microsoft.graph.identity",
    }


def records_of(teams: TeamsClient, series: Series, kind: str) -> list[Row]:
    base = f"{EVENTS}/{kind}/{teams.sandbox.teams.tenant.identity.event_id(series)}"
    return [
        record
        for session in teams.rows(f"{base}/sessions")
        for report in teams.rows(f"{base}/sessions/{session['id']}/attendanceReports")
        for record in teams.rows(
            f"{base}/sessions/{session['id']}/attendanceReports/{report['id']}/attendanceRecords"
        )
    ]


@pytest.mark.parametrize(("kind", "path"), [("webinar", "webinars"), ("town_hall", "townhalls")])
def test_who_registered_is_known_by_registration(teams: TeamsClient, kind: str, path: str) -> None:
    title = {"webinar": "Product launch webinar", "town_hall": "Town hall with partners"}[kind]
    series = an_occurrence(teams.sandbox, kind, title=title).series
    event = f"{EVENTS}/{path}/{teams.sandbox.teams.tenant.identity.event_id(series)}"

    registrations = {row["id"]: row for row in teams.rows(f"{event}/registrations")}
    records = records_of(teams, series, path)
    registered = [row for row in records if "registrationId" in row]
    assert {row["registrationId"] for row in registered} == set(registrations)
    for row in registered:
        one = registrations[row["registrationId"]]
        assert row["emailAddress"] in (None, "", one["email"])
        assert row["identity"]["displayName"] == f"{one['firstName']} {one['lastName']}"
    assert all(not row["registrationDateTime"].endswith("Z") for row in registrations.values())


def test_an_event_has_a_session_a_day(teams: TeamsClient, teams_options: TeamsOptions) -> None:
    weekly = next(one for one in teams.sandbox.organisation.series if one.kind == "webinar")
    tenant_id = teams.sandbox.settings["TEAMS_TENANT_ID"]
    (event,) = (row for row in teams.rows(f"{EVENTS}/webinars") if row["displayName"] == weekly.title)
    assert event["id"].endswith(f"@{tenant_id}")
    assert event["createdBy"]["user"]["displayName"] == weekly.host.name
    assert event["startDateTime"]["timeZone"].endswith("Standard Time")
    one = teams.get(f"{EVENTS}/webinars/{event['id']}").body
    assert one.pop("@odata.context")
    assert one == event

    sessions = teams.rows(f"{EVENTS}/webinars/{event['id']}/sessions")
    assert len(sessions) > 50
    assert {row["startDateTime"]["timeZone"] for row in sessions} == {"UTC"}
    session = teams.get(f"{EVENTS}/webinars/{event['id']}/sessions/{sessions[0]['id']}").body
    assert session.pop("@odata.context")
    assert session == sessions[0]
    teams_options.session_times = "text"
    plain = teams.rows(f"{EVENTS}/webinars/{event['id']}/sessions")
    assert [row["startDateTime"] for row in plain] == sorted(row["startDateTime"] for row in plain)
    assert moment(plain[0]["startDateTime"]).tzinfo
    planned = [row for row in plain if moment(row["startDateTime"]) > teams.sandbox.now()]
    assert planned
    reports = f"{EVENTS}/webinars/{event['id']}/sessions/{planned[0]['id']}/attendanceReports"
    assert teams.rows(reports) == []


def test_events_are_not_where_they_are_not(teams: TeamsClient) -> None:
    series = an_occurrence(teams.sandbox, "webinar", title="Product launch webinar").series
    hall = an_occurrence(teams.sandbox, "town_hall")
    identity = teams.sandbox.teams.tenant.identity
    session = identity.session_id(hall.series, hall.day)
    event = identity.event_id(series)
    for path in (
        f"townhalls/{event}",
        f"webinars/{event.partition('@')[0]}",
        f"webinars/{identity.event_id(hall.series)}",
        f"webinars/{event}/sessions/{session}",
        f"webinars/{event}/sessions/made-up/attendanceReports",
        "webinars/made-up",
    ):
        assert error(teams.get(f"{EVENTS}/{path}"))[:2] == (404, "NotFound")
    own = teams.rows(f"{EVENTS}/webinars/{event}/sessions")[0]["id"]
    other = f"{EVENTS}/webinars/{event}/sessions/{own}/attendanceReports/{identity.report_id(hall)}"
    assert error(teams.get(other)) == (400, "BadRequest", OUT_OF_RANGE)


def test_lists_of_events_have_pages_and_a_count(teams: TeamsClient, teams_options: TeamsOptions) -> None:
    rows = teams.rows(f"{EVENTS}/townhalls")
    teams_options.events_page_size = 20
    pages = teams.pages(f"{EVENTS}/townhalls")
    assert [row for page in pages for row in page] == rows
    assert {len(page) for page in pages[:-1]} == {20}
    first = teams.get(f"{EVENTS}/townhalls", query={"$count": "true"}).body
    assert first["@odata.count"] == len(rows)
    assert "@odata.count" not in teams.follow(first["@odata.nextLink"]).body
    assert all("@" not in row["id"] for row in rows)


def test_events_may_be_found_among_the_meetings(teams: TeamsClient, teams_options: TeamsOptions) -> None:
    occurrence = an_occurrence(teams.sandbox, "webinar")
    identity = teams.sandbox.teams.tenant.identity
    user_id, address = identity.user_id(occurrence.host), identity.join_url(occurrence.series)
    assert teams.lookup(user_id, address).body["value"] == []

    teams_options.events_as_meetings = True
    (row,) = teams.lookup(user_id, address).body["value"]
    listed = teams.rows(meeting_path(user_id, row["id"]) + "/attendanceReports")
    assert identity.report_id(occurrence) in {one["id"] for one in listed}
