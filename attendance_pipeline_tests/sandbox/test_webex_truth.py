"""The rows of a fortnight say what is true, and hold every documented field and no other."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from attendance_pipeline.sandbox import Sandbox, WebexOptions
from attendance_pipeline.sandbox.truth import Truth

from .client import Clock
from .webex_client import Row, WebexClient, moment

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 15)
NOW = datetime(2026, 3, 17, tzinfo=UTC)
WINDOW = {"from_": "2026-02-27T00:00:00Z", "to": "2026-03-16T00:00:00Z"}

Span = tuple[datetime, datetime]
Piece = tuple[datetime, datetime, str]

# as documented for ended meetings; a field in brackets is an object's or a list's own
USAGE = {
    *("meetingId", "meetingNumber", "meetingTitle", "start", "end", "duration", "scheduledType", "hostDisplayName"),
    *("hostEmail", "totalPeopleMinutes", "totalCallInMinutes", "totalCallInTollFreeMinutes"),
    *("totalCallOutDomestic", "totalCallOutInternational", "totalVoipMinutes", "totalParticipants"),
    *("totalParticipantsVoip", "totalParticipantsCallIn", "totalParticipantsCallOut", "peakAttendee"),
    *("totalRegistered", "totalInvitee", "serviceType", "trackingCodes", "trackingCodes[name]"),
    "trackingCodes[value]",
}
ATTENDEE = {
    *("meetingId", "meetingNumber", "meetingTitle", "displayName", "email", "joinedTime", "leftTime", "duration"),
    *("participantType", "ipAddress", "clientAgent", "company", "phoneNumber", "address1", "address2", "city"),
    *("state", "country", "zipCode", "registered", "invited"),
}
MEETING = {
    *("id", "meetingSeriesId", "scheduledMeetingId", "title", "agenda", "meetingType", "state", "timezone"),
    *("start", "end", "hostUserId", "hostDisplayName", "hostEmail", "siteUrl", "webLink", "integrationTags"),
    *("scheduledType", "hasChat", "hasRecording", "hasTranscription", "hasSummary", "hasClosedCaption"),
    *("hasPolls", "hasQA", "hasSlido", "hasRegistration", "hasRegistrants", "hasPostEventSurvey"),
}
# without orgId, breakoutSessionId (ongoing only), video (not in the recorded answer) and phoneNumber (compliance)
PARTICIPANT = {
    *("id", "host", "coHost", "spaceModerator", "email", "displayName", "invitee", "muted", "meetingStartTime"),
    *("state", "joinedTime", "leftTime", "siteUrl", "meetingId", "hostEmail", "sourceId", "devices"),
    *("devices[correlationId]", "devices[deviceType]", "devices[audioType]", "devices[joinedTime]"),
    *("devices[leftTime]", "devices[durationSecond]", "devices[callType]", "breakoutSessionsAttended"),
    *(f"breakoutSessionsAttended[{name}]" for name in ("id", "name", "joinedTime", "leftTime")),
}


class Fortnight:
    """What a client sees of 14 ended dates, and the truth beside it."""

    def __init__(self, client: WebexClient) -> None:
        self.truth: Truth = client.sandbox.truth(FIRST, LAST)
        ended = {meeting.vendor_meeting_id for meeting in self.truth.meetings}
        self.listed = client.rows("/meetings", meetingType="meeting", state="ended", max=100, **WINDOW)
        self.usage = client.usage(WINDOW["from_"], WINDOW["to"])
        self.participants = {instance: client.participants(instance) for instance in ended}
        self.attendees: dict[str, list[Row]] = {
            instance: client.rows(
                "/meetingReports/attendees",
                siteUrl=self.usage[instance][0][0],
                meetingId=instance,
                max=1000,
                **WINDOW,
            )
            for instance in ended
        }


@pytest.fixture(scope="module", params=["small", "demo"])
def seen(request: pytest.FixtureRequest) -> Iterator[Fortnight]:
    options = WebexOptions(rate_limits=False, participants_link=True)
    with Sandbox(size=request.param, mix={"webex": 1}, clock=Clock(NOW), webex=options) as sandbox:
        client = WebexClient(sandbox)
        yield Fortnight(client)
        client.close()


def fields(rows: list[Row]) -> set[str]:
    found: set[str] = set()
    for row in rows:
        for name, value in row.items():
            found.add(name)
            inner = value if isinstance(value, list) else []
            found |= {f"{name}[{key}]" for one in inner if isinstance(one, dict) for key in one}
    return found


def test_every_documented_field_occurs_and_no_other(seen: Fortnight) -> None:
    def flat(rows: dict[str, list[Row]]) -> list[Row]:
        return [row for held in rows.values() for row in held]

    assert fields(seen.listed) == MEETING
    assert fields([row for rows in seen.usage.values() for _, row in rows]) == USAGE
    assert fields(flat(seen.participants)) == PARTICIPANT
    assert fields(flat(seen.attendees)) == ATTENDEE


def test_ids_have_their_documented_forms(seen: Fortnight) -> None:
    for row in seen.listed:
        series, instance = row["meetingSeriesId"], row["id"]
        assert (len(series), set(series) <= set("0123456789abcdef")) == (32, True)
        assert instance.startswith(f"{series}_I_")
        assert (len(instance.removeprefix(f"{series}_I_")), instance[35:].isdecimal()) == (18, True)
        assert row.get("scheduledMeetingId", series).startswith(series)
    for instance, rows in seen.participants.items():
        assert len({row["id"] for row in rows}) == len(rows)
        assert {row["id"].rpartition("_")[0] for row in rows} == {instance}
    correlations = [one["correlationId"] for rows in seen.participants.values() for r in rows for one in r["devices"]]
    assert len(set(correlations)) == len(correlations)
    numbers = {row["meetingNumber"]: instance[:32] for instance, rows in seen.usage.items() for _, row in rows}
    assert len(numbers) == len({instance[:32] for instance in seen.usage})
    assert {9 <= len(number) <= 11 for number in numbers} == {True}


def test_the_lists_agree_with_the_truth(seen: Fortnight) -> None:
    listed = {row["id"]: row for row in seen.listed}
    for meeting in seen.truth.meetings:
        row, usage = listed[meeting.vendor_meeting_id], seen.usage[meeting.vendor_meeting_id][0][1]
        assert (row["title"], row["meetingSeriesId"]) == (meeting.title, meeting.series_id)
        assert (row["hostEmail"], row["scheduledType"]) == (meeting.host_email, meeting.kind)
        for one in (row, usage):
            assert (moment(one["start"]), moment(one["end"])) == (meeting.started_at, meeting.ended_at)
        assert usage["totalParticipants"] == meeting.vendor_attendee_count
        assert usage["totalParticipants"] == len(seen.participants[meeting.vendor_meeting_id])
        assert usage["peakAttendee"] == meeting.peak_attendees
        assert usage["totalPeopleMinutes"] == -(-meeting.device_seconds // 60)
        assert 0 <= usage["totalPeopleMinutes"] - usage["totalVoipMinutes"] - usage["totalCallInMinutes"] + 1 <= 1
    assert any(row["totalCallInMinutes"] for rows in seen.usage.values() for _, row in rows)


def test_participants_say_what_is_true(seen: Fortnight) -> None:
    """Counted second by second, from each device's presence cut at the bounds of its participant's breakouts."""
    intervals: dict[str, Counter[tuple[Any, ...]]] = defaultdict(Counter)
    for interval in seen.truth.intervals:
        about = (interval.display_name, interval.joined_at, interval.left_at, interval.room)
        intervals[interval.vendor_meeting_id][about] += 1
    emails: dict[str, Counter[tuple[Any, ...]]] = defaultdict(Counter)
    for one in seen.truth.attendees:
        about = (one.email, one.join_count, one.attended_seconds, one.device_seconds)
        emails[one.vendor_meeting_id][about] += 1
    for meeting in seen.truth.meetings:
        rows = seen.participants[meeting.vendor_meeting_id]
        attended = resolved(rows)
        present = {who: seconds(pieces) for who, pieces in attended.items()}
        together = Counter(second for held in present.values() for second in held)
        everything = [piece for pieces in attended.values() for piece in pieces]

        assert meeting.attendee_count == len(attended), meeting.title
        assert meeting.join_count == len(everything), meeting.title
        assert meeting.attended_seconds == sum(map(len, present.values()))
        assert meeting.device_seconds == sum(length(piece) for piece in everything)
        assert meeting.active_seconds == sum(count >= 2 for count in together.values())
        assert meeting.peak_attendees == max(together.values())
        assert intervals[meeting.vendor_meeting_id] == Counter(
            (row["displayName"], *piece) for row in rows for piece in cut(row)
        )
        assert emails[meeting.vendor_meeting_id] == Counter(
            (who if "@" in who else None, len(pieces), len(present[who]), sum(map(length, pieces)))
            for who, pieces in attended.items()
        )


def test_nothing_of_what_happened_is_lost_but_the_seconds_of_a_move() -> None:
    """Whatever the dice: the truth holds everybody's joins outside the lobby, up to a second longer."""
    for seed in range(4):
        sandbox = Sandbox(seed=seed, size="small", mix={"webex": 1}, clock=Clock(NOW))
        for held in sandbox.webex.held(FIRST, LAST):
            stays = [one for one in sandbox.organisation.stays(held.occurrence) if one.room != "waiting"]
            happened, told = ({(o.person.id, o.room, o.left): o.joined for o in many} for many in (stays, held.stays))
            assert len(stays) == len(held.stays)
            assert happened.keys() == told.keys()
            assert {happened[which] - told[which] for which in told} <= {timedelta(0), timedelta(seconds=1)}


def test_every_awkward_case_is_there(seen: Fortnight) -> None:
    attendees, intervals = seen.truth.attendees, seen.truth.intervals
    rows = [row for held in seen.participants.values() for row in held]

    assert any(one.join_count > 1 and one.attended_seconds == one.device_seconds for one in attendees)
    assert any(one.device_seconds > one.attended_seconds for one in attendees)
    assert {interval.room for interval in intervals} == {"main", "breakout"}
    assert any(interval.duration_seconds == 0 for interval in intervals)
    assert any(meeting.attendee_count == 1 for meeting in seen.truth.meetings)
    assert max(len(held) for held in seen.participants.values()) > 300
    assert any(meeting.attendee_count < meeting.vendor_attendee_count for meeting in seen.truth.meetings)
    moved = [row for row in rows if len(cut(row)) >= 3 and len(row["devices"]) == 1]
    assert moved, "main room, breakout and main room again are one device"
    assert {len(row["devices"]) for row in rows} >= {1, 2}


def cut(row: Row) -> list[Piece]:
    sessions = [span(one) for one in row.get("breakoutSessionsAttended", ())]
    pieces = []
    for device in row["devices"]:
        joined, left = span(device)
        bounds = sorted({bound for session in sessions for bound in session if joined < bound < left})
        for begin, end in pairwise([joined, *bounds, left]):
            inside = any(opened <= begin < closed for opened, closed in sessions)
            pieces.append((begin, end, "breakout" if inside else "main"))
        assert (left - joined).total_seconds() == device["durationSecond"]
    return pieces


def span(row: Row) -> Span:
    return moment(row["joinedTime"]), moment(row["leftTime"])


def length(piece: Piece) -> int:
    return int((piece[1] - piece[0]).total_seconds())


def seconds(pieces: list[Piece]) -> set[int]:
    held: set[int] = set()
    for begin, end, _ in pieces:
        held.update(range(int(begin.timestamp()), int(end.timestamp())))
    return held


def resolved(rows: list[Row]) -> dict[str, list[Piece]]:
    """Attendees: by e-mail; a name alone belongs to the one who has that name, or else to nobody but itself."""
    owners: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if "email" in row:
            owners[fold(row["displayName"])].add(row["email"])
    attended: dict[str, list[Piece]] = defaultdict(list)
    for row in rows:
        known = owners[fold(row["displayName"])]
        assert "email" in row or len(known) <= 1, "a bare name that two people have"
        who = row.get("email") or next(iter(known), fold(row["displayName"]))
        attended[who] += cut(row)
    return attended


def fold(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def test_the_same_people_meet_at_every_vendor() -> None:
    with Sandbox(size="small", clock=Clock(NOW)) as sandbox:
        truth = sandbox.truth(FIRST, LAST)
    vendors = {meeting.vendor_meeting_id: meeting.vendor for meeting in truth.meetings}
    emails: dict[str, set[str | None]] = defaultdict(set)
    for attendee in truth.attendees:
        emails[vendors[attendee.vendor_meeting_id]].add(attendee.email)

    assert set(emails) == {"zoom", "webex", "teams"}
    assert len((emails["zoom"] & emails["webex"] & emails["teams"]) - {None}) > 10
    assert [m.ended_at for m in truth.meetings] == sorted(m.ended_at for m in truth.meetings)


def test_a_past_day_is_the_same_whenever_it_is_asked_for() -> None:
    told = []
    for now in (NOW, NOW + timedelta(days=40, hours=5)):
        with Sandbox(size="small", clock=Clock(now), webex=WebexOptions(rate_limits=False)) as sandbox:
            client = WebexClient(sandbox)
            listed = client.rows("/meetings", meetingType="meeting", max=100, **WINDOW)
            told.append(
                [listed, *(client.participants(row["id"]) for row in listed), sandbox.truth(FIRST, LAST).meetings]
            )
            client.close()

    assert told[0] == told[1]
