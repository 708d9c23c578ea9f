"""How /meetingParticipants words who was there: a row per participant, its devices and breakouts inside.

Every key is one that Webex documents for ended meetings; as recorded there's no `video`, and not always `audioType`
or `callType`. Only a compliance officer sees `phoneNumber`.
"""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache

import msgspec

from attendance_pipeline.sandbox.model import Occurrence
from attendance_pipeline.sandbox.webex.identity import WebexIdentity
from attendance_pipeline.sandbox.webex.presence import Device, Participant, Presence
from attendance_pipeline.sandbox.webex.settling import SENTINEL, Settling
from attendance_pipeline.sandbox.webex.sites import Sites
from attendance_pipeline.sandbox.webex.wording import device_type, instant, is_invited

# rendered reports kept
REPORTS_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class Row:
    """A rendered participant, and what the request's filters look at."""

    joined: datetime | None
    """None where the row shows no time of joining yet."""
    breakouts: frozenset[str]
    json: bytes


class ParticipantRows:
    """Renders the participants of one organisation's meetings."""

    def __init__(self, identity: WebexIdentity, presence: Presence, settling: Settling, places: Sites) -> None:
        self.identity = identity
        self.presence = presence
        self.settling = settling
        self.places = places
        self.settled = lru_cache(maxsize=REPORTS_KEPT)(self._settled)

    def rows(self, occurrence: Occurrence, zone: tzinfo, now: datetime) -> tuple[Row, ...]:
        """In order of their ids, which is not that of time; incomplete while attendance is."""
        if self.settling.is_ready(occurrence, now):
            return self.settled(occurrence, zone)
        return tuple(
            self._encoded(self._early(occurrence, one, place, zone))
            for place, one in enumerate(self._in_order(occurrence))
        )

    def _settled(self, occurrence: Occurrence, zone: tzinfo) -> tuple[Row, ...]:
        return tuple(self._encoded(self._row(occurrence, one, zone)) for one in self._in_order(occurrence))

    def _in_order(self, occurrence: Occurrence) -> list[Participant]:
        participants = self.presence.participants(occurrence)
        return sorted(participants, key=lambda one: self.identity.participant_id(occurrence, one))

    def _encoded(self, row: dict[str, object]) -> Row:
        joined, attended = row.get("joinedTime", SENTINEL), row.get("breakoutSessionsAttended", ())
        return Row(
            joined=None if joined == SENTINEL else datetime.fromisoformat(str(joined)),
            breakouts=frozenset(one["id"] for one in attended),  # type: ignore[attr-defined]
            json=msgspec.json.encode(row),
        )

    def _row(self, occurrence: Occurrence, one: Participant, zone: tzinfo) -> dict[str, object]:
        row: dict[str, object] = {
            "id": self.identity.participant_id(occurrence, one),
            "host": one.person is occurrence.host,
            "coHost": False,
            "spaceModerator": False,
            "email": one.email,
            "displayName": one.name,
            "invitee": is_invited(occurrence, one),
            "muted": False,
            "meetingStartTime": instant(occurrence.started_at, zone),
            "state": "end",
            "joinedTime": instant(one.joined, zone),
            "leftTime": instant(one.left, zone),
            "siteUrl": self.places.site_of(occurrence.series),
            "meetingId": self.identity.instance_id(occurrence),
            "hostEmail": occurrence.host.email,
            "devices": [self._device(occurrence, one, device, zone) for device in one.devices],
        }
        if not one.email:
            del row["email"]
        if one.breakouts:
            row["breakoutSessionsAttended"] = [
                {
                    "id": self.identity.breakout_id(occurrence, breakout.number),
                    "name": f"Breakout Session {breakout.number}",
                    "joinedTime": instant(breakout.joined, zone),
                    "leftTime": instant(breakout.left, zone),
                }
                for breakout in one.breakouts
            ]
        if one.registered and not one.person.employed:
            row["sourceId"] = one.email.partition("@")[2]
        return row

    def _device(self, occurrence: Occurrence, one: Participant, device: Device, zone: tzinfo) -> dict[str, object]:
        row: dict[str, object] = {
            "correlationId": self.identity.correlation_id(occurrence, one, device),
            "joinedTime": instant(device.joined, zone),
            "leftTime": instant(device.left, zone),
            "durationSecond": device.seconds,
        }
        if device.kind == "phone":
            return row | {"audioType": "pstn", "callType": "callIn"}
        kind = device_type(one.person, device)
        if kind != "mac":  # as recorded
            row["audioType"] = "voip" if device.seconds else "inactive"
        return row | {"deviceType": kind}

    def _early(self, occurrence: Occurrence, one: Participant, place: int, zone: tzinfo) -> dict[str, object]:
        """The row as it is before attendance is complete."""
        row = self._row(occurrence, one, zone)
        lack = self.settling.lack(occurrence, place)
        if lack == "nothing":
            return row
        which, _, how = lack.partition("_")
        devices: list[dict[str, object]] = row["devices"]  # type: ignore[assignment]
        names = ("joinedTime", "leftTime") if which == "all" else ("leftTime",)
        for timed in devices if which == "device" else [row, *devices]:
            for name in names:
                timed[name] = SENTINEL
                if how == "absent":
                    del timed[name]
            timed.pop("durationSecond", None)
        row.pop("breakoutSessionsAttended", None)
        return row
