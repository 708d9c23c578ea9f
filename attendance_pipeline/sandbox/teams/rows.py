"""How Graph words a report, a record, an interval. Every key is one that Graph documents."""

from datetime import datetime

from attendance_pipeline.sandbox.model import Occurrence, Stay
from attendance_pipeline.sandbox.teams.paging import Row
from attendance_pipeline.sandbox.teams.presence import Record
from attendance_pipeline.sandbox.teams.tenant import EVENT_KINDS, Tenant
from attendance_pipeline.sandbox.teams.times import instant

# Graph's number of decimals varies within one answer
DECIMALS = 8


class Rows:
    """Renders what the reports API tells."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    def report(self, occurrence: Occurrence) -> Row:
        """A report without its records."""
        row: Row = {
            "id": self.tenant.identity.report_id(occurrence),
            "totalParticipantCount": self.tenant.presence.count(occurrence),
            "meetingStartDateTime": instant(occurrence.started_at),
            "meetingEndDateTime": instant(occurrence.ended_at),
        }
        return row | {"externalEventInformation": []} if occurrence.kind in EVENT_KINDS else row

    def records(self, occurrence: Occurrence) -> list[Row]:
        """The records of a report."""
        tenant = self.tenant
        bare = tenant.options.told(tenant.options.identity_only, tenant.identity.series_id(occurrence.series))
        return [
            self._record(occurrence, record, number, bare=bare)
            for number, record in enumerate(tenant.presence.records(occurrence))
        ]

    def _record(self, occurrence: Occurrence, record: Record, number: int, *, bare: bool) -> Row:
        tenant, identity = self.tenant, self.tenant.identity
        user_id = identity.user_id(record.person) if record.signed_in else None
        who: Row = {"id": user_id, "displayName": record.name}
        row: Row = {"id": user_id, "emailAddress": record.email or None}
        if record.signed_in:
            who["tenantId"] = identity.tenant_of(record.person)
        elif number % 2:
            # both have been met: no id and no address, or empty ones
            row, who = {"emailAddress": ""}, who | {"tenantId": None}
        row |= {
            "totalAttendanceInSeconds": None if bare else record.seconds,
            "role": record.role,
            "identity": who,
            "attendanceIntervals": [] if bare else [_interval(one, number) for one in record.intervals],
        }
        if record.registered:
            row["registrationId"] = identity.registration_id(record.person, occurrence.series)
        if tenant.options.odata_types:
            kind = "communicationsUserIdentity" if record.signed_in else "identity"
            row = {"@odata.type": "#microsoft.graph.attendanceRecord"} | row
            row["identity"] = {"@odata.type": f"#microsoft.graph.{kind}"} | who
        return row


def _interval(stay: Stay, number: int) -> Row:
    return {
        "joinDateTime": _varied(stay.joined, number),
        "leaveDateTime": _varied(stay.left, number + 5),
        "durationInSeconds": stay.seconds,
    }


def _varied(moment: datetime, number: int) -> str:
    return instant(moment, (moment.second + number) % DECIMALS)
