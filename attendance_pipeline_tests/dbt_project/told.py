"""What each vendor's raw rows tell, in words they share. Shares no idea with the SQL but the rules."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from . import told_teams
from .raw_rows import RawRows, Row
from .telling import EPOCH, Interval, Meeting, folded, key_of, seconds_from


def meetings(raw: RawRows) -> dict[str, Meeting]:
    zoom = [
        Meeting(
            key=key_of("zoom", row["uuid"]),
            vendor="zoom",
            id=row["uuid"],
            series=str(row["id"]),
            kind="webinar" if row["is_webinar"] else "meeting",
            title=row["topic"] or None,
            host_email=folded(row["user_email"]),
            started_at=row["start_time"],
            ended_at=row["end_time"],
            vendor_count=row["participants_count"],
            found_by=row["listed_by"] or None,
        )
        for row in raw.zoom_meetings
    ]
    webex = [
        Meeting(
            key=key_of("webex", row["meeting_id"]),
            vendor="webex",
            id=row["meeting_id"],
            series=row["meeting_id"].partition("_I_")[0],
            kind="webinar" if row["scheduled_type"] == "webinar" else "meeting",
            title=row["meeting_title"] or None,
            host_email=folded(row["host_email"]),
            started_at=row["start_time"],
            ended_at=row["end_time"],
            vendor_count=row["total_participants"],
            found_by=row["listed_by"],
        )
        for row in raw.webex_meetings
    ]
    return {meeting.key: meeting for meeting in (*zoom, *webex, *told_teams.meetings(raw))}


def intervals(raw: RawRows) -> list[Interval]:
    return [*map(_zoom_interval, raw.zoom_participants), *_webex_intervals(raw), *told_teams.intervals(raw)]


def _zoom_interval(row: Row) -> Interval:
    meeting = key_of("zoom", row["meeting_uuid"])
    waiting, breakout = row["status"] == "in_waiting_room", bool(row["bo_mtg_id"])
    account = row["participant_user_id"] or row["id"] or None
    return Interval(
        key=key_of(meeting, row["user_id"], str(row["join_time"])),
        meeting=meeting,
        account=account,
        registrant=row["registrant_id"] or None,
        participant=None,
        email=row["user_email"].strip().lower() or None,
        name=row["name"].strip() or None,
        room="waiting" if waiting else "breakout" if breakout else "main",
        joined_at=row["join_time"],
        left_at=row["leave_time"],
        is_own=bool(account) or None,
    )


@dataclass
class Piece:
    """A while of one device in one room."""

    row: Row
    device_name: str
    device: str | None
    audio: str | None
    client: str | None
    room: str
    joined_at: datetime
    left_at: datetime

    @property
    def order(self) -> tuple[datetime, list[str]]:
        said = [self.room, self.row["display_name"], self.row["email"], self.device, self.client, self.audio]
        return self.left_at, [text or "" for text in said]


def _webex_intervals(raw: RawRows) -> Iterator[Interval]:
    agents: dict[tuple[str, str | None], set[str]] = defaultdict(set)
    for row in raw.webex_attendees:
        if row["client_agent"]:
            agents[row["meeting_id"], webex_person(row)].add(row["client_agent"])
    found = [piece for row in raw.webex_participants for piece in _webex_pieces(row)]
    for piece in found:
        named = agents[piece.row["meeting_id"], webex_person(piece.row)]
        if webex_person(piece.row) and len(named) == 1:
            [piece.client] = named
    told_by_participants = {piece.row["meeting_id"] for piece in found}
    for row in raw.webex_attendees:
        if row["meeting_id"] not in told_by_participants and _lasted(row):
            client = row["client_agent"] or None
            found.append(Piece(row, "", None, None, client, "main", row["joined_time"], row["left_time"]))

    found.sort(key=lambda piece: piece.order)
    seen: Counter[tuple[str, str]] = Counter()
    for piece in found:
        row = piece.row
        meeting = key_of("webex", row["meeting_id"])
        person = webex_person(row) or row.get("id") or ""
        natural_key = f"{person}|{piece.joined_at}|{piece.device_name}"
        seen[meeting, natural_key] += 1
        yield Interval(
            key=key_of(meeting, natural_key, str(seen[meeting, natural_key])),
            meeting=meeting,
            account=None,
            registrant=None,
            participant=row.get("id"),
            email=folded(row["email"]),
            name=(row["display_name"] or "").strip() or None,
            room=piece.room,
            joined_at=piece.joined_at,
            left_at=piece.left_at,
            device=piece.device,
            client=piece.client,
            audio=piece.audio,
        )


def webex_person(row: Row) -> str | None:
    return folded(row["email"]) or folded(row["display_name"])


def _lasted(row: Row) -> bool:
    return bool(row["joined_time"] and row["left_time"]) and row["joined_time"] <= row["left_time"]


def _webex_pieces(row: Row) -> Iterator[Piece]:
    """Second by second: what each device was there for, and breakout sessions that no device was there for."""
    waited = row["state"] == "lobby"
    attended = [] if waited else row["breakout_sessions_attended"] or []
    sessions = [seconds_from(one["joined_time"], one["left_time"]) for one in attended if _lasted(one)]
    in_session = {second for session in sessions for second in session}
    turns = {bound for session in sessions if session for bound in (session.start, session.stop)}

    none: Row = {"correlation_id": None, "device_type": None, "audio_type": None}
    timed = [device for device in row["devices"] or [] if _lasted(device)]
    if not timed and _lasted(row):
        timed = [none | {"joined_time": row["joined_time"], "left_time": row["left_time"]}]
    stretches = [(device, seconds_from(device["joined_time"], device["left_time"])) for device in timed]
    beyond = in_session.difference(*(stretch for _, stretch in stretches))
    for device, stretch in [*stretches, *((none, run) for run in _runs(beyond, turns))]:
        for piece in _runs(stretch, turns) if stretch else [stretch]:
            yield Piece(
                row=row,
                device_name=device["correlation_id"] or device["device_type"] or "",
                device=device["device_type"] or None,
                audio=device["audio_type"] or None,
                client=None,
                room="breakout" if piece.start in in_session else "waiting" if waited else "main",
                joined_at=_moment(piece.start),
                left_at=_moment(piece.stop),
            )


def _runs(seconds: Iterable[int], turns: set[int]) -> list[range]:
    """Unbroken runs of seconds; a new one begins at each turn."""
    runs: list[range] = []
    for second in sorted(seconds):
        if runs and runs[-1].stop == second and second not in turns:
            runs[-1] = range(runs[-1].start, second + 1)
        else:
            runs.append(range(second, second + 1))
    return runs


def _moment(second: int) -> datetime:
    return EPOCH + timedelta(seconds=second)


def webex_remarks(raw: RawRows, settled: set[str]) -> dict[str, list[str]]:
    """By meeting, what its two reports and its two lists tell differently."""
    held = Counter(row["meeting_id"] for row in raw.webex_readings if row["status"] in {"complete", "partial"})
    attendees: dict[str, set[str | None]] = defaultdict(set)
    for row in raw.webex_attendees:
        if row["joined_time"]:
            attendees[row["meeting_id"]].add(webex_person(row))
    participants: dict[str, set[str | None]] = defaultdict(set)
    for row in raw.webex_participants:
        if row["state"] != "lobby" and any(timed["joined_time"] for timed in (row, *(row["devices"] or []))):
            participants[row["meeting_id"]].add(webex_person(row))

    remarks: dict[str, list[str]] = defaultdict(list)
    listed_by = {row["meeting_id"]: row["listed_by"] for row in raw.webex_meetings}
    for id_ in listed_by.keys() | held.keys():
        key = key_of("webex", id_)
        one, other = attendees[id_] - {None}, participants[id_] - {None}
        if held[id_] == 2 and one != other:
            remarks[key].append(
                f"attendees and participants name different people ({len(one)})"
                if len(one) == len(other)
                else f"attendees names {len(one)} people, participants {len(other)}"
            )
        if key in settled and listed_by.get(id_) in {"meetings", "usage"}:
            remarks[key].append(f"only listed by {listed_by[id_]}")
    return remarks
