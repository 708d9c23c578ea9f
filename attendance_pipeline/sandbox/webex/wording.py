"""Words that several of Webex's rows share: times, lengths, devices, who is invited."""

from datetime import datetime, timedelta, tzinfo

from attendance_pipeline.sandbox.model import Occurrence, Person
from attendance_pipeline.sandbox.webex.presence import Device, Participant

# an open set: recorded, documented and seen
DESKTOPS = ("webex_meeting_center_mac", "webex_meeting_center_windows", "mac")
MOBILES = ("iphone", "android")


def instant(moment: datetime, zone: tzinfo) -> str:
    """2023-01-18T10:26:30+08:00, or with a Z in UTC; never with milliseconds."""
    text = moment.astimezone(zone).isoformat(timespec="seconds")
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def minutes(span: timedelta) -> int:
    """Whole minutes, rounded up."""
    return -(-int(span.total_seconds()) // 60)


def is_invited(occurrence: Occurrence, one: Participant) -> bool:
    """Colleagues and registrants of what was booked; whoever came by a forwarded link is not."""
    booked = occurrence.series.booking not in ("instant", "personal")
    return booked and one.person is not occurrence.host and (one.person.employed or one.registered)


def device_type(person: Person, device: Device) -> str:
    """What a person joins with, the same every time."""
    kinds = MOBILES if device.kind == "mobile" else DESKTOPS
    return kinds[person.position % len(kinds)]
