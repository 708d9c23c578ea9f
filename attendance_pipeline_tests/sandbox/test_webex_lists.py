from datetime import datetime, timedelta
from typing import Any

import pytest

from attendance_pipeline.sandbox import WebexOptions

from .client import Clock
from .webex_client import EVENTS, MAIN, SERVICES, SITES, WebexClient, moment, next_of

USAGE, ATTENDEES, MEETINGS = "/meetingReports/usage", "/meetingReports/attendees", "/meetings"
FIRST, LAST = "2026-02-16T00:00:00Z", "2026-03-16T00:00:00Z"
SPAN = {"from_": FIRST, "to": LAST}
LISTED: dict[str, dict[str, Any]] = {
    USAGE: {"siteUrl": MAIN},
    ATTENDEES: {"siteUrl": MAIN, "meetingTitle": "Town hall with partners"},
    MEETINGS: {"meetingType": "meeting", "state": "ended"},
}
REPORTS = (USAGE, ATTENDEES)
GENERIC = "The request was invalid or cannot be otherwise served. An accompanying error message will explain further."


def refused(client: WebexClient, path: str, **query: object) -> str:
    """The cause of a 400; the message never says it."""
    reply = client.get(path, **query)
    assert (reply.status, reply.body.get("message")) == (400, GENERIC)
    return str(reply.body["errors"][0]["description"])


def test_the_sites_are_told(webex: WebexClient) -> None:
    assert webex.get("/meetingPreferences/sites").body == {
        "sites": [{"siteUrl": MAIN, "default": True}, {"siteUrl": EVENTS, "default": False}]
    }


@pytest.mark.parametrize("path", REPORTS)
def test_a_report_spans_thirty_days_at_most(webex: WebexClient, path: str) -> None:
    end = datetime.fromisoformat(LAST)
    begin = end - timedelta(days=30)

    assert webex.get(path, **LISTED[path], from_=begin.isoformat(), to=end.isoformat()).status == 200
    longer = (end + timedelta(seconds=1)).isoformat()
    assert "30 days" in refused(webex, path, **LISTED[path], from_=begin.isoformat(), to=longer)


@pytest.mark.parametrize("path", REPORTS)
def test_a_report_reaches_back_ninety_days(webex: WebexClient, clock: Clock, path: str) -> None:
    begin = clock.now - timedelta(days=90)
    end = begin + timedelta(days=2)

    assert webex.get(path, **LISTED[path], from_=begin.isoformat(), to=end.isoformat()).status == 200
    older = (begin - timedelta(seconds=1)).isoformat()
    assert "90 days" in refused(webex, path, **LISTED[path], from_=older, to=end.isoformat())


@pytest.mark.parametrize("path", LISTED)
def test_windows_are_iso_8601_and_begin_before_they_end(webex: WebexClient, path: str) -> None:
    for begin in ("2026-03-01", "20260301T100000Z", "2026-03-01T10:00:00.000+08:00", "2026-03-02T00:00:00"):
        assert webex.get(path, **LISTED[path], from_=begin, to="2026-03-02T00:00:00Z").status == 200
    assert "after" in refused(webex, path, **LISTED[path], from_="2026-03-02T00:00:01Z", to="2026-03-02")
    for wrong in ("yesterday", "2026-02-30", "", "2026-03-01T00:00:00 00:00"):
        assert "'from'" in refused(webex, path, **LISTED[path], from_=wrong, to="2026-03-02")


@pytest.mark.parametrize("path", LISTED)
def test_a_window_lasts_a_week_by_default(webex: WebexClient, clock: Clock, path: str) -> None:
    asked = LISTED[path]
    now, week = clock.now, timedelta(days=7)

    def rows(**window: datetime) -> list[dict[str, Any]]:
        return webex.rows(path, max=100, **asked, **{name: at.isoformat() for name, at in window.items()})

    assert rows() == rows(from_=now - week, to=now) != []
    earlier = now - timedelta(days=10)
    assert rows(from_=earlier) == rows(from_=earlier, to=earlier + week)
    assert rows(to=earlier) == rows(from_=earlier - week, to=earlier)


@pytest.mark.parametrize(
    ("path", "lacking"),
    [(USAGE, "siteUrl"), (ATTENDEES, "siteUrl"), (ATTENDEES, "meetingTitle"), ("/meetingParticipants", "meetingId")],
)
def test_what_is_required_is_asked_for(webex: WebexClient, path: str, lacking: str) -> None:
    query = {name: value for name, value in LISTED.get(path, {}).items() if name != lacking}

    assert refused(webex, path, **query).startswith("Invalid value on '")


@pytest.mark.parametrize(("path", "most"), [(USAGE, 1000), (ATTENDEES, 1000), (MEETINGS, 100)])
def test_pages_have_ten_rows_unless_told_otherwise(webex: WebexClient, path: str, most: int) -> None:
    asked = LISTED[path] | SPAN

    assert len(webex.get(path, **asked).body["items"]) == 10
    assert len(webex.get(path, **asked, max=3).body["items"]) == 3
    for wrong in ("0", "many", "null", "-1"):
        assert "'max'" in refused(webex, path, **asked, max=wrong)
    if path == MEETINGS:
        assert len(webex.get(path, **asked, max=most + 1).body["items"]) == most
    else:
        assert "'max'" in refused(webex, path, **asked, max=most + 1)


@pytest.mark.parametrize("links", ["whole", "filterless", "empty_page"])
@pytest.mark.parametrize("path", LISTED)
def test_pages_hold_every_row_once(webex: WebexClient, webex_options: WebexOptions, path: str, links: Any) -> None:
    at_once = webex.rows(path, **LISTED[path], **SPAN, max=100)
    webex_options.next_link = links

    pages = webex.pages(path, **LISTED[path], **SPAN, max=7)

    assert [row for page in pages for row in page] == at_once
    assert [place for place, page in enumerate(pages) if not page] == ([1] if links == "empty_page" else [])
    assert all(len(page) == 7 for page in pages[:-1] if page)


def test_a_next_link_may_have_lost_its_filters(webex: WebexClient, webex_options: WebexOptions) -> None:
    webex_options.next_link = "filterless"
    link = next_of(webex.get(USAGE, **LISTED[USAGE], **SPAN, max=5))

    assert link == f"{webex.sandbox.url}/webex/v1{USAGE}?max=null&offset=5"
    assert refused(webex, f"{USAGE}?offset=5") == "Invalid value on 'siteUrl' field."


def test_later_pages_name_other_relations_first(webex: WebexClient) -> None:
    reply = webex.get(USAGE, **LISTED[USAGE], **SPAN, max=5, offset=5)

    relations = [part.partition("rel=")[2] for part in reply.headers["link"].split(", ")]
    assert relations == ['"first"', '"prev"', '"next"']


def test_a_page_that_takes_too_long_wants_to_be_smaller(webex: WebexClient, webex_options: WebexOptions) -> None:
    webex_options.page_over = 20

    for path, asked in LISTED.items():
        reply = webex.get(path, **asked, **SPAN, max=21)
        assert (reply.status, "reduce" in reply.body["message"]) == (504, True)
        assert webex.get(path, **asked, **SPAN, max=20).status == 200


def test_a_listing_of_meetings_is_capped(webex: WebexClient, webex_options: WebexOptions) -> None:
    whole = webex.rows(MEETINGS, **LISTED[MEETINGS], **SPAN, max=100)
    webex_options.listing_cap = 25

    assert webex.rows(MEETINGS, **LISTED[MEETINGS], **SPAN, max=10) == whole[:25]


def test_meetings_start_from_and_before(webex: WebexClient) -> None:
    rows = webex.rows(MEETINGS, **LISTED[MEETINGS], **SPAN, max=100)
    starts = [row["start"] for row in rows]

    assert starts == sorted(starts)
    found = webex.rows(MEETINGS, **LISTED[MEETINGS], from_=starts[3], to=starts[7], max=100)
    assert [row["start"] for row in found] == [start for start in starts if starts[3] <= start < starts[7]]


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ({"siteUrl": EVENTS}, lambda row: row["siteUrl"] == EVENTS),
        ({"scheduledType": "webinar"}, lambda row: row["scheduledType"] == "webinar"),
        ({"hasQA": "true"}, lambda row: row["hasQA"]),
    ],
)
def test_meetings_can_be_filtered(webex: WebexClient, query: dict[str, str], holds: Any) -> None:
    rows = webex.rows(MEETINGS, **LISTED[MEETINGS], **SPAN, max=100)

    found = webex.rows(MEETINGS, **LISTED[MEETINGS], **SPAN, **query, max=100)

    assert found == [row for row in rows if holds(row)] != []


def test_a_users_meetings_are_those_they_host_or_came_to(webex: WebexClient) -> None:
    user = webex.sandbox.organisation.active[0].email

    rows = webex.rows(MEETINGS, **LISTED[MEETINGS], **SPAN, hostEmail=user, max=100)

    assert {row["hostEmail"] == user for row in rows} == {True, False}


def test_a_series_is_never_answered_with_its_instances(webex: WebexClient) -> None:
    instance = webex.get(MEETINGS, **LISTED[MEETINGS], **SPAN).body["items"][0]
    series = instance["meetingSeriesId"]

    assert refused(webex, MEETINGS, **SPAN) == "Invalid value on 'meetingType' field."
    found = webex.rows(MEETINGS, meetingType="meeting", meetingSeriesId=series, **SPAN)
    assert {row["meetingSeriesId"] for row in found} == {series}


def test_a_meeting_is_listed_as_ended_fifteen_minutes_later(webex: WebexClient, clock: Clock) -> None:
    row = webex.get(MEETINGS, **LISTED[MEETINGS], **SPAN, max=100).body["items"][-1]
    only = {"meetingType": "meeting", "meetingSeriesId": row["meetingSeriesId"], **SPAN}

    def states(**more: str) -> dict[str, str]:
        return {one["id"]: one["state"] for one in webex.rows(MEETINGS, **only, **more)}

    clock.now = moment(row["end"]) + timedelta(seconds=899)
    assert states()[row["id"]] == "inProgress"
    assert row["id"] not in states(state="ended")
    clock.advance(seconds=1)
    assert states(state="ended")[row["id"]] == "ended"
    clock.now = moment(row["start"]) - timedelta(seconds=1)
    assert row["id"] not in states()


def test_usage_tells_what_is_complete_by_site_and_service(webex: WebexClient) -> None:
    truth = webex.sandbox.truth(datetime.fromisoformat(FIRST).date(), webex.sandbox.now().date())
    ready = {
        m.vendor_meeting_id
        for m in truth.meetings
        if moment(FIRST) <= m.started_at <= moment(LAST) and m.report_ready_at <= truth.as_of
    }

    found = webex.usage(FIRST, LAST)

    assert set(found) == ready
    services = {(site, row["serviceType"]) for rows in found.values() for site, row in rows}
    assert services == {(site, service) for site in SITES for service in SERVICES}
    twice = [rows for rows in found.values() if len(rows) > 1]
    assert twice
    for (site, row), (other_site, other) in twice:
        assert (site, row | {"serviceType": ""}) == (other_site, other | {"serviceType": ""})
    webinars = {(site, row["serviceType"]) for rows in found.values() for site, row in rows if is_webinar(row)}
    assert webinars == {(EVENTS, service) for service in SERVICES}
    assert webex.rows(USAGE, siteUrl=MAIN, serviceType="TrainingCenter", **SPAN) == []
    assert refused(webex, USAGE, siteUrl=MAIN, serviceType="all") == "Invalid value on 'serviceType' field."
    assert refused(webex, USAGE, siteUrl="elsewhere.webex.com") == "Invalid value on 'siteUrl' field."


def is_webinar(row: dict[str, Any]) -> bool:
    return bool(row["scheduledType"] == "webinar")


def test_usage_begins_with_the_newest(webex: WebexClient) -> None:
    starts = [row["start"] for row in webex.rows(USAGE, siteUrl=MAIN, max=1000, **SPAN)]

    assert starts == sorted(starts, reverse=True)
    window = {"from_": starts[9], "to": starts[2]}
    assert [row["start"] for row in webex.rows(USAGE, siteUrl=MAIN, max=1000, **window)] == starts[2:10]


def test_a_meeting_can_be_missing_from_either_list(webex: WebexClient, webex_options: WebexOptions) -> None:
    one, other = list(webex.usage(FIRST, LAST))[:2]
    webex_options.hidden_from_usage = lambda instance: instance == one
    webex_options.hidden_from_meetings = lambda instance: instance == other

    listed = {row["id"] for row in webex.rows(MEETINGS, **LISTED[MEETINGS], **SPAN, max=100)}
    used = set(webex.usage(FIRST, LAST))

    assert (one in listed, one in used) == (True, False)
    assert (other in listed, other in used) == (False, True)
    assert webex.participants(one) != []


@pytest.mark.parametrize("path", LISTED)
def test_times_are_told_in_the_zone_asked_for(webex: WebexClient, path: str) -> None:
    names = {USAGE: ("start", "end"), ATTENDEES: ("joinedTime", "leftTime"), MEETINGS: ("start", "end")}[path]
    utc = webex.get(path, **LISTED[path], **SPAN, max=100).body["items"]
    local = webex.get(path, **LISTED[path], **SPAN, max=100, zone="Asia/Kolkata").body["items"]

    for row, other in zip(utc, local, strict=True):
        for name in names:
            assert len(row[name]) == len("2026-03-01T09:00:00Z")
            assert other[name].endswith("+05:30")
            assert moment(row[name]) == moment(other[name])
    assert webex.get(path, **LISTED[path], **SPAN, zone="Nowhere/Land").status == 400
