"""Every awkward case is there, over HTTP, in every 14 ended dates and for every size."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from attendance_pipeline.sandbox import Sandbox, ZoomOptions
from attendance_pipeline.sandbox.truth import Truth

from .client import Client, Clock

# another weekday each, and another week of the fortnight
LAST_DAYS = [date(2026, 3, 15), date(2026, 3, 11), date(2026, 3, 6)]


class Seen:
    """What a client sees of 14 days: meetings with their rows; and the truth beside it."""

    def __init__(self, sandbox: Sandbox, last: date) -> None:
        self.sandbox = sandbox
        first = last - timedelta(days=13)
        self.truth: Truth = sandbox.truth(first, last)
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.details: dict[str, dict[str, Any]] = {}
        client = Client(sandbox)
        listed = client.pages(
            "/report/history_meetings",
            "history_meetings",
            from_=first,
            to=last,
            date_type="end_time",
        )
        self.listed = {row["meeting_uuid"]: row for row in listed}
        for uuid, row in self.listed.items():
            self.rows[uuid] = client.participants(uuid, row["type"].lower())
        client.close()

    def people(self, uuid: str) -> dict[str, list[dict[str, Any]]]:
        """Rows that a reader can tell to be one person's: same account, registration, or else name."""
        held: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in self.rows[uuid]:
            held[row["name"]].append(row)
        return held

    def any(self, test: Any) -> bool:
        return any(test(rows) for rows in self.rows.values())


@pytest.fixture(scope="module", params=["small", "demo"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    options = ZoomOptions(rate_limits=False, history_includes_solo=True)
    with Sandbox(size=request.param, mix={"zoom": 1}, clock=Clock(), zoom=options) as sandbox:
        yield sandbox


@pytest.fixture(scope="module", params=LAST_DAYS, ids=str)
def seen(sandbox: Sandbox, request: pytest.FixtureRequest) -> Seen:
    return Seen(sandbox, request.param)


def seconds(row: dict[str, Any]) -> tuple[float, float]:
    return (
        datetime.fromisoformat(row["join_time"]).timestamp(),
        datetime.fromisoformat(row["leave_time"]).timestamp(),
    )


def test_guests_show_neither_id_nor_email(seen: Seen) -> None:
    assert seen.any(
        lambda rows: any(not row["id"] and not row["user_email"] and not row["registrant_id"] for row in rows)
    )


def test_a_guests_id_is_blanked_on_a_later_row(seen: Seen) -> None:
    def blanked(rows: list[dict[str, Any]]) -> bool:
        known = {row["name"] for row in rows if row["id"] and not row["user_email"]}
        return any(row["name"] in known and not row["id"] for row in rows)

    assert seen.any(blanked)
    everything = [row for rows in seen.rows.values() for row in rows]
    assert not [row for row in everything if "participant_user_id" in row and not row["user_email"]]


def test_a_member_returns_by_phone_under_a_name_alone(seen: Seen) -> None:
    def returned(rows: list[dict[str, Any]]) -> bool:
        members = {row["name"] for row in rows if "participant_user_id" in row}
        return any(row["name"] in members and not row["id"] and not row["user_email"] for row in rows)

    assert seen.any(returned)


def test_people_rejoin(seen: Seen) -> None:
    assert any(
        attendee.join_count > 1 and attendee.attended_seconds == attendee.device_seconds
        for attendee in seen.truth.attendees
    )


def test_somebody_is_there_on_two_devices(seen: Seen) -> None:
    assert any(attendee.device_seconds > attendee.attended_seconds for attendee in seen.truth.attendees)


def test_breakouts_make_a_row_per_move(seen: Seen) -> None:
    gaps = []
    for uuid, rows in seen.rows.items():
        if not any("bo_mtg_id" in row for row in rows):
            continue
        for own in seen.people(uuid).values():
            own.sort(key=seconds)
            gaps += [
                seconds(after)[0] - seconds(before)[1]
                for before, after in pairwise(own)
                if ("bo_mtg_id" in before) != ("bo_mtg_id" in after)
            ]
    assert {gap for gap in gaps if gap >= 0} >= {0, 1}
    assert any(interval.room == "breakout" for interval in seen.truth.intervals)


def test_some_wait_and_somebody_only_waits(seen: Seen) -> None:
    def only_waited(rows: list[dict[str, Any]]) -> bool:
        statuses = defaultdict(set)
        for row in rows:
            statuses[row["name"]].add(row["status"])
        return {"in_waiting_room"} in statuses.values()

    def admitted(rows: list[dict[str, Any]]) -> bool:
        waited = {row["name"] for row in rows if row["status"] == "in_waiting_room"}
        return any(row["name"] in waited and row["status"] == "in_meeting" for row in rows)

    assert seen.any(only_waited)
    assert seen.any(admitted)


def test_a_host_drop_makes_a_second_uuid_of_the_same_number(seen: Seen) -> None:
    by_number = defaultdict(list)
    for meeting in seen.truth.meetings:
        by_number[meeting.series_id].append(meeting)
    gaps = [
        (after.started_at - before.ended_at).total_seconds()
        for same in by_number.values()
        for before, after in pairwise(same)
    ]

    assert min(gaps) > 0
    assert [gap for gap in gaps if 11 <= gap <= 147]


def test_numbers_are_reused_in_every_way(seen: Seen) -> None:
    client = Client(seen.sandbox)
    numbers = Counter(row["meeting_id"] for row in seen.listed.values())
    repeated = {uuid for uuid, row in seen.listed.items() if numbers[row["meeting_id"]] > 1}
    types = defaultdict(set)
    for uuid in repeated:
        kind = seen.listed[uuid]["type"].lower()
        quoted = uuid.replace("/", "%252F").replace("+", "%2B")
        detail = client.get(f"/report/{kind}s/{quoted}").body
        types[detail["type"]].add((detail["id"], detail["topic"]))
    client.close()

    assert set(types) >= {3, 4, 8, 9}
    personal = Counter(number for number, _ in types[4])
    assert max(personal.values()) > 1  # unrelated topics under one PMI
    assert all(number < 10**10 for number, _ in types[4])


def test_one_participant_means_one_stay_from_start_to_end(seen: Seen) -> None:
    solo = [meeting for meeting in seen.truth.meetings if meeting.attendee_count == 1]
    intervals = Counter(interval.vendor_meeting_id for interval in seen.truth.intervals)

    assert solo
    for meeting in solo:
        length = (meeting.ended_at - meeting.started_at).total_seconds()
        assert (meeting.attended_seconds, meeting.active_seconds) == (length, 0)
        assert intervals[meeting.vendor_meeting_id] == 1
        assert seen.rows[meeting.vendor_meeting_id] == []


def test_some_run_over_midnight_and_one_for_26_hours(seen: Seen) -> None:
    lengths = [
        (meeting.ended_at - meeting.started_at).total_seconds() / 3600
        for meeting in seen.truth.meetings
        if meeting.started_at.date() < meeting.ended_at.date()
    ]

    assert min(lengths) < 3
    assert 25.9 < max(lengths) < 26.2


def test_one_meeting_is_a_crowd(seen: Seen) -> None:
    at_least = {"small": 301, "demo": 1001}["small" if len(seen.sandbox.organisation.active) == 12 else "demo"]
    crowd = max(seen.truth.meetings, key=lambda meeting: meeting.attendee_count)

    assert crowd.attendee_count >= at_least
    assert len(seen.rows[crowd.vendor_meeting_id]) > crowd.attendee_count


def test_webinars_have_panelists_and_registered_guests(seen: Seen) -> None:
    webinars = [uuid for uuid, row in seen.listed.items() if row["type"] == "Webinar"]

    assert webinars
    for uuid in webinars:
        rows = seen.rows[uuid]
        guests = [row for row in rows if row["registrant_id"] and not row["user_email"].endswith("northwind.example")]
        assert [row for row in rows if not row["registrant_id"] and row["participant_user_id"]]
        assert all(row["user_email"] and not row["id"] for row in guests)
        assert guests


def test_somebody_stays_for_no_time_at_all(seen: Seen) -> None:
    assert seen.any(lambda rows: any(row["duration"] == 0 for row in rows))


def test_hosts_are_also_people_who_are_gone(seen: Seen) -> None:
    organisation = seen.sandbox.organisation
    hosts = {meeting.host_email for meeting in seen.truth.meetings}

    assert organisation.employee("deleted").email in hosts
    assert organisation.employee("inactive").email in hosts


def test_two_people_of_one_name_meet(seen: Seen) -> None:
    def namesakes(rows: list[dict[str, Any]]) -> bool:
        ids = defaultdict(set)
        for row in rows:
            ids[row["name"]].add(row.get("participant_user_id"))
        return any(len(same) == 2 and None not in same for same in ids.values())

    assert seen.any(namesakes)


def test_names_and_topics_are_unicode(seen: Seen) -> None:
    for text in (
        "".join(row["name"] for rows in seen.rows.values() for row in rows),
        "".join(row["topic"] for row in seen.listed.values()),
    ):
        assert {"So", "Mn"} & {unicodedata.category(letter) for letter in text}
        assert "R" in {unicodedata.bidirectional(letter) for letter in text}
    names = {row["name"] for rows in seen.rows.values() for row in rows}
    assert any('"' in name for name in names)
    assert any(unicodedata.normalize("NFC", name) != name for name in names)


def test_some_reports_take_minutes_and_some_hours(seen: Seen) -> None:
    waits = [(m.report_ready_at - m.ended_at).total_seconds() / 60 for m in seen.truth.meetings]

    assert min(waits) > 1
    assert max(waits) > 180
    assert sorted(waits)[len(waits) // 2] < 30


def test_uuids_hold_every_slash_and_a_plus(seen: Seen) -> None:
    uuids = list(seen.listed)

    assert any(uuid.startswith("/") for uuid in uuids)
    assert any("//" in uuid[1:] for uuid in uuids)
    assert any(uuid.count("/") == 1 and not uuid.startswith("/") for uuid in uuids)
    assert any("+" in uuid for uuid in uuids)


def test_a_few_leave_after_the_end(seen: Seen) -> None:
    overrun = 0
    for meeting in seen.truth.meetings:
        rows = [i for i in seen.truth.intervals if i.vendor_meeting_id == meeting.vendor_meeting_id]
        assert all(meeting.started_at <= row.joined_at <= meeting.ended_at for row in rows)
        assert all(row.joined_at <= row.left_at for row in rows)
        last = max(row.left_at for row in rows)
        assert last <= meeting.ended_at + timedelta(minutes=2)
        overrun += last > meeting.ended_at
    assert 0 < overrun < len(seen.truth.meetings) / 8


def test_whoever_shows_a_name_alone_can_be_told_apart(seen: Seen) -> None:
    """The rule a pipeline can follow finds as many people as there were, meeting by meeting."""
    counted = {meeting.vendor_meeting_id: meeting.attendee_count for meeting in seen.truth.meetings}
    for uuid, rows in seen.rows.items():
        if rows:
            assert resolved(rows) == counted[uuid], seen.listed[uuid]["topic"]


def resolved(rows: list[dict[str, Any]]) -> int:
    """People outside the waiting room: by account, registrant or e-mail; else by name."""
    groups: list[set[str]] = []
    for row in rows:
        keys = {f"{key}:{row[key]}" for key in ("id", "registrant_id", "user_email") if row[key]}
        if keys:
            touched = [group for group in groups if group & keys]
            groups = [group for group in groups if not group & keys]
            groups.append(keys.union(*touched))
    names: dict[str, set[int]] = defaultdict(set)
    owners: dict[int, int] = {}
    for place, row in enumerate(rows):
        keys = {f"{key}:{row[key]}" for key in ("id", "registrant_id", "user_email") if row[key]}
        if keys:
            owners[place] = next(number for number, group in enumerate(groups) if group & keys)
            names[fold(row["name"])].add(owners[place])
    people: set[object] = set()
    for place, row in enumerate(rows):
        name = fold(row["name"])
        if place not in owners:
            assert len(names[name]) <= 1, "a bare name that two people have"
        if row["status"] == "in_meeting":
            owner: object = owners.get(place)
            people.add(owner if owner is not None else next(iter(names[name]), name))
    return len(people)


def fold(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
