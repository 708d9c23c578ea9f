"""How Webex words a meeting in its three other lists: the listing, the usage report, the attendee report.

Every key is one that Webex documents. Instants are in the zone asked for, to the second.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache

from attendance_pipeline.sandbox.model import Occurrence, Person, Stay
from attendance_pipeline.sandbox.truth import together, union
from attendance_pipeline.sandbox.webex.identity import WebexIdentity
from attendance_pipeline.sandbox.webex.presence import Device, Participant, Presence
from attendance_pipeline.sandbox.webex.settling import Settling, state_of
from attendance_pipeline.sandbox.webex.sites import Sites
from attendance_pipeline.sandbox.webex.wording import device_type, instant, is_invited, minutes


@dataclass(frozen=True, slots=True)
class Summary:
    """What the usage report says about attendance."""

    participants: int
    """Rows of /meetingParticipants."""
    voip: int
    call_in: int
    people_minutes: int
    voip_minutes: int
    call_in_minutes: int
    peak: int
    registered: int
    invited: int


@dataclass(frozen=True, slots=True)
class Join:
    """What one row of the attendee report is about."""

    occurrence: Occurrence
    one: Participant
    device: Device
    place: int
    """Among its meeting's rows."""


class WebexRows:
    """Renders one organisation's meetings."""

    def __init__(self, identity: WebexIdentity, presence: Presence, settling: Settling, places: Sites) -> None:
        self.identity = identity
        self.presence = presence
        self.settling = settling
        self.places = places
        self.summary = lru_cache(maxsize=None)(self._summary)

    def meeting(self, occurrence: Occurrence, zone: tzinfo, now: datetime) -> dict[str, object]:
        """A row of /meetings about an instance: what "Meetings Overview" says is available once it has ended."""
        series = occurrence.series
        webinar, site = occurrence.kind == "webinar", self.places.site_of(series)
        state = state_of(occurrence, now)
        registration = webinar or "registration" in occurrence.habits
        row: dict[str, object] = {
            "id": self.identity.instance_id(occurrence),
            "meetingSeriesId": self.identity.series_id(series),
            "scheduledMeetingId": self.identity.occurrence_id(occurrence),
            "title": occurrence.title,
            "agenda": f"{occurrence.title}, {occurrence.host.department}",
            "meetingType": "meeting",
            "state": state,
            "timezone": str(zone),
            "start": instant(occurrence.started_at, zone),
            "end": instant(occurrence.ended_at, zone),
            "hostUserId": self.identity.user_id(occurrence.host),
            "hostDisplayName": occurrence.host.name,
            "hostEmail": occurrence.host.email,
            "siteUrl": site,
            "webLink": f"https://{site}/{site.partition('.')[0]}/j.php?MTID=m{self.identity.series_id(series)}",
            "scheduledType": occurrence.kind,
            "hasChat": True,
            "hasRecording": False,
            "hasTranscription": False,
            "hasSummary": False,
            "hasClosedCaption": False,
            "hasPolls": False,
            "hasQA": webinar,
            "hasSlido": False,
            "hasRegistration": registration,
            "hasRegistrants": registration,
            "integrationTags": [],
        }
        if webinar:
            row["hasPostEventSurvey"] = False
        if series.booking == "instant":
            del row["agenda"]
        if row["scheduledMeetingId"] is None:
            del row["scheduledMeetingId"]
        if state != "ended":
            del row["end"]
        return row

    def usage(self, occurrence: Occurrence, service: str, zone: tzinfo) -> dict[str, object]:
        """A row of /meetingReports/usage: neither the site nor the series is told."""
        summary = self.summary(occurrence)
        return {
            "meetingId": self.identity.instance_id(occurrence),
            "meetingNumber": self.identity.number(occurrence.series),
            "meetingTitle": occurrence.title,
            "start": instant(occurrence.started_at, zone),
            "end": instant(occurrence.ended_at, zone),
            "duration": minutes(occurrence.ended_at - occurrence.started_at),
            "scheduledType": occurrence.kind,
            "hostDisplayName": occurrence.host.name,
            "hostEmail": occurrence.host.email,
            "totalPeopleMinutes": summary.people_minutes,
            "totalCallInMinutes": summary.call_in_minutes,
            "totalCallInTollFreeMinutes": 0,
            "totalCallOutDomestic": 0,
            "totalCallOutInternational": 0,
            "totalVoipMinutes": summary.voip_minutes,
            "totalParticipants": summary.participants,
            "totalParticipantsVoip": summary.voip,
            "totalParticipantsCallIn": summary.call_in,
            "totalParticipantsCallOut": 0,
            "peakAttendee": summary.peak,
            "totalRegistered": summary.registered,
            "totalInvitee": summary.invited,
            "serviceType": service,
            "trackingCodes": [{"name": "Department", "value": occurrence.host.department}],
        }

    def joins(self, occurrence: Occurrence, now: datetime) -> list[Join]:
        """What the attendee report tells by now, the newest first: some rows while attendance isn't complete."""
        joins = [(one, device) for one in self.presence.participants(occurrence) for device in one.devices]
        rows = [Join(occurrence, one, device, place) for place, (one, device) in enumerate(joins)]
        if not self.settling.is_ready(occurrence, now):
            rows = [row for row in rows if not self.settling.is_missing(occurrence, row.place)]
        return sorted(rows, key=lambda row: (row.device.joined, row.place), reverse=True)

    def attendee(self, join: Join, zone: tzinfo) -> dict[str, object]:
        """A row of /meetingReports/attendees, without an id; schema and example differ, and so do the rows."""
        occurrence, one, device = join.occurrence, join.one, join.device
        number = self.identity.number(occurrence.series)
        role = "host" if one.person is occurrence.host else "attendee"
        odd = join.place % 2 == 1
        row: dict[str, object] = {
            "meetingId": self.identity.instance_id(occurrence),
            "meetingNumber": int(number) if odd else number,
            "meetingTitle": occurrence.title,
            "displayName": one.name,
            "email": one.email,
            "joinedTime": instant(device.joined, zone),
            "leftTime": instant(device.left, zone),
            "duration": minutes(device.left - device.joined),
            "participantType": role if odd else role.upper(),
            "ipAddress": f"192.0.2.{1 + one.person.position % 254}",
            "registered": one.registered,
            "invited": is_invited(occurrence, one),
        }
        if not one.email and odd:
            del row["email"]
        if device.kind != "phone":
            row["clientAgent"] = _agent(device_type(one.person, device))
        if one.registered:
            row |= {
                "company": one.email.partition("@")[2].partition(".")[0].capitalize(),
                "phoneNumber": f"+1 555 01{one.person.position % 100:02}",
                "address1": f"{1 + one.person.position} Example Street",
                "address2": "",
                "city": "San Jose",
                "state": "CA",
                "country": "US",
                "zipCode": "95134",
            }
        return row

    def _summary(self, occurrence: Occurrence) -> Summary:
        participants = self.presence.participants(occurrence)
        devices = [device for one in participants for device in one.devices]
        called = [device for device in devices if device.kind == "phone"]
        people: dict[Person, list[Stay]] = {}
        for piece in self.presence.pieces(occurrence):
            people.setdefault(piece.person, []).append(piece)
        _, peak = together([union(pieces) for pieces in people.values()])
        return Summary(
            participants=len(participants),
            voip=sum(any(device.kind != "phone" for device in one.devices) for one in participants),
            call_in=sum(any(device.kind == "phone" for device in one.devices) for one in participants),
            people_minutes=_total(devices),
            voip_minutes=_total([device for device in devices if device.kind != "phone"]),
            call_in_minutes=_total(called),
            peak=peak,
            registered=len({one.person for one in participants if one.registered}),
            invited=len({one.person for one in participants if is_invited(occurrence, one)}),
        )


def _total(devices: list[Device]) -> int:
    return minutes(timedelta(seconds=sum(device.seconds for device in devices)))


def _agent(kind: str) -> str:
    if "windows" in kind:
        return "WINDOWS,IE"
    return "MAC,SAFARI" if "mac" in kind else f"{kind.upper()},APP"
