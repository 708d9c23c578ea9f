"""What the attendee report and the participants say about one meeting, early and late."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from attendance_pipeline.sandbox import Sandbox, WebexOptions
from attendance_pipeline.sandbox.truth import MeetingTruth

from .client import Clock
from .webex_client import EVENTS, MAIN, SITES, Row, WebexClient, moment

FIRST, LAST = date(2026, 2, 27), date(2026, 3, 12)
WINDOW = {"from_": "2026-02-20T00:00:00Z", "to": "2026-03-16T00:00:00Z"}
ATTENDEES, PARTICIPANTS = "/meetingReports/attendees", "/meetingParticipants"
SENTINEL = "1970-01-01T00:00:00.000Z"


def titled(sandbox: Sandbox, title: str) -> MeetingTruth:
    return next(meeting for meeting in sandbox.truth(FIRST, LAST).meetings if meeting.title == title)


@pytest.fixture
def crowd(webex_sandbox: Sandbox) -> MeetingTruth:
    return titled(webex_sandbox, "Town hall with partners")


def site_of(client: WebexClient, instance: str) -> str:
    return str(client.participants(instance)[0]["siteUrl"])


def attendees(client: WebexClient, instance: str, **window: str) -> list[Row]:
    site = site_of(client, instance)
    return client.rows(ATTENDEES, siteUrl=site, meetingId=instance, max=1000, **(WINDOW | window))


def devices(rows: list[Row]) -> Counter[tuple[Any, ...]]:
    return Counter(
        (row.get("email", ""), row["displayName"], device["joinedTime"], device["leftTime"])
        for row in rows
        for device in row["devices"]
    )


def test_participants_end_after_a_hundred_without_a_link(webex: WebexClient, crowd: MeetingTruth) -> None:
    by_default = webex.get(PARTICIPANTS, meetingId=crowd.vendor_meeting_id)
    at_most = webex.get(PARTICIPANTS, meetingId=crowd.vendor_meeting_id, max=1000)

    assert (len(by_default.body["items"]), len(at_most.body["items"])) == (10, 100)
    assert "link" not in by_default.headers
    assert "link" not in at_most.headers
    assert webex.get(PARTICIPANTS, meetingId=crowd.vendor_meeting_id, offset=10).body == by_default.body
    assert webex.get(PARTICIPANTS, meetingId=crowd.vendor_meeting_id, max=0).status == 400


def test_splitting_by_the_time_of_joining_finds_them_all(
    webex: WebexClient, crowd: MeetingTruth, webex_options: WebexOptions
) -> None:
    def between(begin: datetime, end: datetime) -> list[Row]:
        window = {"joinTimeFrom": begin.isoformat(), "joinTimeTo": end.isoformat()}
        rows = webex.participants(crowd.vendor_meeting_id, **window)
        assert all(begin <= moment(row["joinedTime"]) < end for row in rows)
        if len(rows) < 100:
            return rows
        middle = begin + (end - begin) // 2
        return between(begin, middle) + between(middle, end)

    split = between(crowd.started_at, crowd.ended_at + timedelta(seconds=1))
    webex_options.participants_link = True
    paged = webex.participants(crowd.vendor_meeting_id)

    assert len(split) == len(paged) == crowd.vendor_attendee_count > 300
    assert {row["id"] for row in split} == {row["id"] for row in paged}
    assert [row["id"] for row in paged] == sorted(row["id"] for row in paged)


def test_a_range_of_joins_spans_ninety_days_at_most(webex: WebexClient, crowd: MeetingTruth) -> None:
    begin, asked = crowd.started_at, {"meetingId": crowd.vendor_meeting_id}

    def status(**window: datetime) -> int:
        return webex.get(PARTICIPANTS, **asked, **{name: at.isoformat() for name, at in window.items()}).status

    assert status(joinTimeFrom=begin, joinTimeTo=begin + timedelta(days=90)) == 200
    assert status(joinTimeFrom=begin, joinTimeTo=begin + timedelta(days=90, seconds=1)) == 400
    assert status(joinTimeFrom=begin, joinTimeTo=begin - timedelta(seconds=1)) == 400
    for name, at, some in (
        ("joinTimeFrom", begin - timedelta(days=6), True),
        ("joinTimeFrom", begin - timedelta(days=8), False),
        ("joinTimeTo", begin + timedelta(days=6), True),
        ("joinTimeTo", begin + timedelta(days=8), False),
    ):
        assert bool(webex.participants(crowd.vendor_meeting_id, **{name: at.isoformat()})) is some


def test_participants_can_be_asked_for_by_host_and_breakout(webex: WebexClient) -> None:
    meeting = titled(webex.sandbox, "Workshop in groups")
    rows = webex.participants(meeting.vendor_meeting_id)
    breakouts = {one["id"] for row in rows for one in row.get("breakoutSessionsAttended", ())}

    assert len(breakouts) == 2
    for breakout in breakouts:
        assert webex.participants(meeting.vendor_meeting_id, breakoutSessionId=breakout) == [
            row for row in rows if breakout in {one["id"] for one in row.get("breakoutSessionsAttended", ())}
        ]
    assert webex.participants(meeting.vendor_meeting_id, hostEmail=meeting.host_email) == rows
    assert webex.participants(meeting.vendor_meeting_id, hostEmail="nobody@northwind.example") == []


def test_a_series_leads_to_its_last_instance(webex: WebexClient) -> None:
    before, after = (
        meeting for meeting in webex.sandbox.truth(FIRST, LAST).meetings if meeting.title == "Architecture board"
    )
    assert before.series_id == after.series_id
    listed = webex.rows("/meetings", meetingType="meeting", meetingSeriesId=before.series_id, **WINDOW)
    booked = next(row["scheduledMeetingId"] for row in listed if row["id"] == before.vendor_meeting_id)

    def led_to(meeting_id: str, **query: object) -> set[str]:
        return {row["meetingId"] for row in webex.participants(meeting_id, **query)}

    assert led_to(before.series_id) == {after.vendor_meeting_id}
    assert led_to(booked) <= {before.vendor_meeting_id, after.vendor_meeting_id} != set()
    # both bounds are exclusive
    earlier = {"meetingStartTimeTo": after.started_at.isoformat()}
    assert led_to(before.series_id, **earlier) == {before.vendor_meeting_id}
    at_start = {"meetingStartTimeFrom": after.started_at.isoformat()}
    assert webex.get(PARTICIPANTS, meetingId=before.series_id, **at_start).status == 404


def test_an_id_of_another_kind_or_of_nothing_is_refused(webex: WebexClient, crowd: MeetingTruth) -> None:
    site = site_of(webex, crowd.vendor_meeting_id)
    for wrong in (crowd.series_id, f"{crowd.series_id}_20260311T150000Z", "nonsense"):
        reply = webex.get(ATTENDEES, siteUrl=site, meetingId=wrong, **WINDOW)
        assert (reply.status, [e["description"] for e in reply.body["errors"]]) == (
            400,
            ["Invalid value on 'meetingId' field."],
        )
    assert webex.get(PARTICIPANTS, meetingId="nonsense").status == 400
    unknown = crowd.vendor_meeting_id[:-1] + "x"
    for path in (ATTENDEES, PARTICIPANTS):
        assert webex.get(path, siteUrl=site, meetingId=unknown, **WINDOW).status == 404
    elsewhere = next(one for one in SITES if one != site)
    reply = webex.get(ATTENDEES, siteUrl=elsewhere, meetingId=crowd.vendor_meeting_id, **WINDOW)
    assert (reply.status, "errors" in reply.body) == (404, False)
    assert webex.get(PARTICIPANTS, meetingId=unknown).body["errors"]


def test_a_personal_rooms_instances_are_known_and_the_room_is_not(webex: WebexClient) -> None:
    coffee = titled(webex.sandbox, "Coffee")

    assert attendees(webex, coffee.vendor_meeting_id) != []
    assert webex.get(PARTICIPANTS, meetingId=coffee.series_id).status == 400


def test_attendees_are_joins_the_newest_first(webex: WebexClient) -> None:
    for title in ("Flaky network", "Workshop in groups", "Two screens", "Handover"):
        meeting = titled(webex.sandbox, title)
        rows = attendees(webex, meeting.vendor_meeting_id)
        joins = [row["joinedTime"] for row in rows]

        assert joins == sorted(joins, reverse=True)
        seen = Counter((row.get("email", ""), row["displayName"], row["joinedTime"], row["leftTime"]) for row in rows)
        assert seen == devices(webex.participants(meeting.vendor_meeting_id))
        for row in rows:
            length = (moment(row["leftTime"]) - moment(row["joinedTime"])).total_seconds()
            assert row["duration"] == -(-length // 60)


def test_attendees_can_be_asked_for_by_number_and_title(webex: WebexClient, crowd: MeetingTruth) -> None:
    rows = attendees(webex, crowd.vendor_meeting_id)
    site = site_of(webex, crowd.vendor_meeting_id)
    number = str(rows[0]["meetingNumber"])

    assert webex.rows(ATTENDEES, siteUrl=site, meetingNumber=number, max=1000, **WINDOW) == rows
    by_title = webex.rows(ATTENDEES, siteUrl=site, meetingTitle=crowd.title, max=1000, **WINDOW)
    assert [row for row in by_title if row["meetingId"] == crowd.vendor_meeting_id] == rows
    asked = {"siteUrl": site, "meetingId": crowd.vendor_meeting_id, "meetingNumber": "1"}
    assert webex.rows(ATTENDEES, **asked, max=1000, **WINDOW) == rows


def test_attendees_want_a_window_that_covers_the_start(webex: WebexClient, crowd: MeetingTruth) -> None:
    after = (crowd.started_at + timedelta(seconds=1)).isoformat()

    assert attendees(webex, crowd.vendor_meeting_id, from_=after) == []
    assert attendees(webex, crowd.vendor_meeting_id, from_=crowd.started_at.isoformat()) != []


def test_schema_and_example_of_attendees_differ_and_so_do_rows(webex: WebexClient, crowd: MeetingTruth) -> None:
    rows = attendees(webex, crowd.vendor_meeting_id)

    assert {type(row["meetingNumber"]) for row in rows} == {int, str}
    assert {row["participantType"] for row in rows} >= {"attendee", "ATTENDEE"}
    assert {row["participantType"].lower() for row in rows} == {"host", "attendee"}
    assert {row.get("email") or repr(row.get("email")) for row in rows} >= {"''", "None"}
    assert {row["registered"] for row in rows} == {True, False}


def test_guests_show_their_address_where_they_signed_in_or_registered(webex: WebexClient) -> None:
    meeting = titled(webex.sandbox, "Integration workshop")
    rows = webex.participants(meeting.vendor_meeting_id)
    guests = [row for row in rows if not row.get("email", "").endswith("northwind.example")]
    shown = {row["displayName"] for row in guests if "email" in row}
    bare = Counter(row["displayName"] for row in guests if "email" not in row)

    assert shown & set(bare), "signed in at first, then known by name alone"
    assert max(bare.values()) == 1
    webinar = titled(webex.sandbox, "Product launch webinar")
    assert all(row["email"] for row in webex.participants(webinar.vendor_meeting_id))


def test_whoever_only_waited_in_the_lobby_is_not_shown(webex: WebexClient) -> None:
    meeting = titled(webex.sandbox, "Supplier audit")
    organisation = webex.sandbox.organisation
    occurrence = next(one for one in organisation.ended_between(FIRST, LAST) if one.title == meeting.title)
    rooms: dict[str, set[str]] = {}
    for stay in organisation.stays(occurrence):
        rooms.setdefault(stay.name, set()).add(stay.room)
    names = {row["displayName"] for row in webex.participants(meeting.vendor_meeting_id)}

    assert {name for name, seen in rooms.items() if seen == {"waiting"}}
    assert names == {name for name, seen in rooms.items() if seen != {"waiting"}}
    assert {row["state"] for row in webex.participants(meeting.vendor_meeting_id)} == {"end"}


def test_reports_take_between_two_and_twenty_three_hours(webex_sandbox: Sandbox) -> None:
    delays = [
        (meeting.report_ready_at - meeting.ended_at).total_seconds() / 3600
        for meeting in webex_sandbox.truth(FIRST, LAST).meetings
    ]

    assert 2 <= min(delays) < 6
    assert 18 < max(delays) <= 23


def test_too_early_attendance_is_incomplete(webex: WebexClient, clock: Clock, crowd: MeetingTruth) -> None:
    instance, site = crowd.vendor_meeting_id, site_of(webex, crowd.vendor_meeting_id)
    window = {"from_": crowd.started_at.isoformat(), "to": (crowd.ended_at + timedelta(hours=1)).isoformat()}
    late, late_rows = attendees(webex, instance), webex.participants(instance)
    clock.now = crowd.report_ready_at - timedelta(seconds=1)

    early, rows = attendees(webex, instance), webex.participants(instance)

    assert instance not in {row["meetingId"] for row in webex.rows("/meetingReports/usage", siteUrl=site, **window)}
    assert 0 < len(early) < len(late)
    assert all(row in late for row in early)
    times = [(row.get("joinedTime"), row.get("leftTime")) for row in rows]
    lengths = [(one.get("joinedTime"), one.get("leftTime")) for row in rows for one in row["devices"]]
    for pairs in (times, lengths):
        assert {(None, None), (SENTINEL, SENTINEL)} <= set(pairs)
        assert any(joined and joined != SENTINEL and left in (None, SENTINEL) for joined, left in pairs)
    assert (early, rows) == (attendees(webex, instance), webex.participants(instance))
    clock.advance(seconds=1)
    assert instance in {row["meetingId"] for row in webex.rows("/meetingReports/usage", siteUrl=site, **window)}
    assert (attendees(webex, instance), webex.participants(instance)) == (late, late_rows)


def test_too_early_every_meeting_shows_that_something_is_lacking(webex: WebexClient, clock: Clock) -> None:
    meetings = webex.sandbox.truth(FIRST, FIRST + timedelta(days=5)).meetings
    for meeting in meetings:
        clock.now = meeting.ended_at
        rows = webex.participants(meeting.vendor_meeting_id)
        shown = [one.get("leftTime", SENTINEL) for row in rows for one in (row, *row["devices"])]
        assert len(rows) == min(meeting.vendor_attendee_count, 100)
        assert SENTINEL in shown
        clock.now -= timedelta(seconds=1)
        assert webex.get(PARTICIPANTS, meetingId=meeting.vendor_meeting_id).status == 404


def test_the_delay_can_be_chosen(webex_sandbox: Sandbox, webex_options: WebexOptions) -> None:
    webex_options.usage_delay = (60, 60)

    meetings = webex_sandbox.truth(FIRST, LAST).meetings

    assert {meeting.report_ready_at - meeting.ended_at for meeting in meetings} == {timedelta(seconds=60)}


def test_times_are_told_in_the_zone_asked_for(webex: WebexClient) -> None:
    meeting = titled(webex.sandbox, "Workshop in groups")
    rows = webex.get(PARTICIPANTS, meetingId=meeting.vendor_meeting_id, zone="America/New_York").body["items"]
    breakout = next(one for row in rows for one in row.get("breakoutSessionsAttended", ()))

    assert {moment(row["meetingStartTime"]) for row in rows} == {meeting.started_at.astimezone(UTC)}
    for text in (rows[0]["joinedTime"], rows[0]["devices"][0]["leftTime"], breakout["joinedTime"]):
        assert text.endswith(("-05:00", "-04:00"))


def test_webinars_and_a_few_meetings_are_on_the_second_site(webex: WebexClient) -> None:
    kinds: dict[str, set[str]] = {MAIN: set(), EVENTS: set()}
    for meeting in webex.sandbox.truth(FIRST, LAST).meetings:
        kinds[site_of(webex, meeting.vendor_meeting_id)].add(meeting.kind)

    assert kinds == {MAIN: {"meeting"}, EVENTS: {"meeting", "webinar"}}
