"""What Graph lists → the tables `meetings` and `attendance_reports`, and readings of what has no report."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Any

import msgspec
import pyarrow as pa

from attendance_pipeline.archive import Archive, Document
from attendance_pipeline.readings import Timing, reading_rows, readings_table
from attendance_pipeline.shape import Shaped
from attendance_pipeline.vendors.base import Tables
from attendance_pipeline.vendors.shaping import Listings, as_json, shape_listings
from attendance_pipeline.vendors.teams.account import LOOKUP_REACH
from attendance_pipeline.vendors.teams.attendance import TeamsMeeting
from attendance_pipeline.vendors.teams.documented import (
    AttendanceReport,
    CalendarEvent,
    CallRecord,
    OnlineMeeting,
    UserIdentity,
    VirtualEvent,
    VirtualEventSession,
    ZonedTime,
)
from attendance_pipeline.vendors.teams.named import (
    EVENT_KINDS,
    SESSIONS,
    TOWN_HALLS,
    WEBINARS,
    Home,
    Listed,
    Named,
    as_listed,
    moment,
)
from attendance_pipeline.vendors.teams.routes import CALENDAR, CALL_RECORDS, LATEST, LIVE_EVENT, REPORTS, Routes
from attendance_pipeline.vendors.teams.tables import (
    ATTENDANCE_REPORTS,
    MEETINGS,
)

NO_REPORT = ATTENDANCE_REPORTS.name
"""In the table `readings`, the report that is missing about a meeting that has none."""


def shape_lists(archive: Archive, days: Sequence[date], routes: Routes, timing: Timing) -> Tables:
    """The tables that discovery fills."""
    named = Listings(
        table=MEETINGS,
        id="id",
        end="end_time",
        rows={
            CALL_RECORDS: (CallRecord, "value"),
            CALENDAR: (CalendarEvent, "value"),
            SESSIONS[WEBINARS]: (VirtualEventSession, "value"),
            SESSIONS[TOWN_HALLS]: (VirtualEventSession, "value"),
            # They name no meeting themselves, but one that can't be read hides its sessions.
            WEBINARS: (VirtualEvent, "value"),
            TOWN_HALLS: (VirtualEvent, "value"),
        },
        row=partial(_named, routes, timing),
        merge=_only,
        id_fields=("id",),
        time_fields=("endDateTime", "startDateTime", "end", "start"),
        time=_any_moment,
    )
    reports = Listings(
        table=ATTENDANCE_REPORTS,
        id="report_id",
        end="meeting_end_time",
        rows={
            REPORTS: (AttendanceReport, "value"),
            LATEST: (AttendanceReport, None),
            LIVE_EVENT: (OnlineMeeting, None),
        },
        row=partial(_report, routes),
        merge=_only,
        id_fields=("id",),
        time_fields=("meetingEndDateTime", "meetingStartDateTime"),
    )
    return shape_listings(archive, days, named, reports)


def meetings(rows: pa.Table) -> list[TeamsMeeting]:
    """The meetings of one partition of `teams/attendance_reports`."""
    return [_meeting(row) for row in rows.to_pylist()]


def unreported(routes: Routes, days: Sequence[date], timing: Timing) -> dict[date, pa.Table]:
    """Of each date, the readings of meetings that a route named and of which no report was found."""
    by_day: dict[date, list[pa.Table]] = {day: [readings_table("teams").schema.empty_table()] for day in days}
    lost_earlier = replace(timing, recoverable=LOOKUP_REACH)
    for named in routes.named.values():
        rows = by_day.get(named.ended_at.date())
        status, reason = routes.verdict(named, timing)
        home = routes.home(named)
        twice = routes.was_called(named) or (home is not None and home.route != "" and named.home is None)
        if rows is None or status in ("found", "not_held") or twice:
            continue
        held = {(named.id, NO_REPORT): replace(routes.held(named), reason=reason or "")}
        until = timing if home else lost_earlier
        rows.append(reading_rows([named.meeting], [NO_REPORT], held, {}, until))
    return {day: pa.concat_tables(rows) for day, rows in by_day.items()}


def with_unreported(tables: Tables, missing: Mapping[date, pa.Table]) -> Tables:
    """The same with further readings."""
    readings = tables[0]["readings"]
    for day, rows in missing.items():
        both = pa.concat_tables([readings[day].rows, rows]).sort_by(
            [("meeting_id", "ascending"), ("report", "ascending")]
        )
        readings[day] = Shaped(both, readings[day].quarantined)
    return tables


def _named(routes: Routes, timing: Timing, row: Any, document: Document) -> dict[str, Any] | str | None:
    """A meeting that a route named, in the columns of `teams/meetings`; the rule that it breaks; None: not one."""
    named = routes.name(row, document)
    if not isinstance(named, Named):
        return named
    if not routes.is_newest(named):
        return None
    online = routes.online_meeting(named)
    status, reason = routes.verdict(named, timing)
    found = {
        "route": named.route,
        "id": named.id,
        "kind": routes.kind(named),
        "online_meeting_id": online.id if online else None,
        "start_time": named.started_at,
        "end_time": named.ended_at,
        "report_id": routes.report(named),
        "status": status,
        "reason": reason,
    }
    return named.columns | found | {"modalities": as_json(named.columns.get("modalities"))}


def _any_moment(said: Any) -> datetime | None:
    """A time as calendars, events and call records have it."""
    if isinstance(said, dict):
        with suppress(msgspec.ValidationError):
            return moment(msgspec.convert(said, ZonedTime))
        return None
    return moment(said) if isinstance(said, str) else None


def _report(routes: Routes, row: Any, document: Document) -> dict[str, Any] | str | None:
    """A report in the columns of `teams/attendance_reports`; the rule that it breaks; None: another row is it."""
    home = Home.of(document.subject)
    if isinstance(row, OnlineMeeting):
        return _live_event(routes, row, home)
    listed = as_listed(row, home, is_latest=document.kind == LATEST)
    if listed is None:
        return _what_lacks(row)
    if not routes.is_of(home, listed):
        return None
    if document.kind == LATEST and routes.is_listed(home, listed):
        return None
    return _about(routes, home, routes.names(home, listed)) | {
        "report_id": listed.id,
        "source": "latest" if document.kind == LATEST else "list",
        "total_participant_count": row.total_participant_count,
        "meeting_start_time": listed.started_at,
        "meeting_end_time": listed.ended_at,
        "external_event_information": as_json(row.external_event_information),
    }


def _what_lacks(row: AttendanceReport) -> str:
    said = {"id": row.id, "meetingEndDateTime": row.meeting_end_date_time}
    return next(
        (f"missing_field.{name}" for name, value in said.items() if not value), "missing_field.meetingStartDateTime"
    )


def _live_event(routes: Routes, row: OnlineMeeting, home: Home) -> dict[str, Any] | None:
    """A live event took place from its first call's begin to its last call's end, else as planned."""
    named = routes.at_home(home)
    calls = [each for each in named if each.route == "call_records"] or named
    start = min((each.started_at for each in calls), default=row.start_date_time)
    end = max((each.ended_at for each in calls), default=row.end_date_time)
    if start is None or end is None:
        return None
    return _about(routes, home, named) | {
        "report_id": home.id,
        "kind": "live_event",
        "source": "live_event",
        "meeting_start_time": start,
        "meeting_end_time": end,
    }


def _about(routes: Routes, home: Home, named: Sequence[Named]) -> dict[str, Any]:
    """What is known of a meeting beside its report: from the routes that named it, else from its home."""
    ordered = sorted(named, key=lambda each: (each.route, each.ended_at, each.id))
    said: dict[str, Any] = {}
    for each in ordered:
        said |= {
            name: value for name, value in each.columns.items() if value and name in _SHARED and name not in said
        }
    online = routes.meeting_at(home)
    event = routes.events.get((home.route, home.owner))
    organizer = online.participants.organizer if online and online.participants else None
    user = (organizer.identity.user if organizer and organizer.identity else None) or UserIdentity()
    if event:
        start, end = moment(event.start_date_time), moment(event.end_date_time)
    else:
        start, end = (online.start_date_time, online.end_date_time) if online else (None, None)
    return {
        "kind": EVENT_KINDS.get(home.route, "meeting"),
        "online_meeting_id": None if home.route else home.id,
        "event_id": home.owner if home.route else None,
        "session_id": home.id if home.route else None,
        "organizer_id": said.get("organizer_id") or (None if home.route else home.owner),
        "organizer_tenant_id": said.get("organizer_tenant_id") or user.tenant_id,
        "organizer_email": said.get("organizer_email") or (organizer.upn if organizer else None),
        "organizer_name": said.get("organizer_name") or user.display_name,
        "subject": (online.subject if online else None) or said.get("subject"),
        "meeting_type": online.meeting_type if online else None,
        "scheduled_start_time": start,
        "scheduled_end_time": end,
        "is_registration_required": event.is_registration_required if event else None,
        "found_by": ",".join(sorted({each.route for each in named})),
    }


_SHARED = frozenset({"organizer_id", "organizer_tenant_id", "organizer_email", "organizer_name", "subject"})


def _only(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Kinds of documents are believed in their order."""
    return rows[0]


def _meeting(row: Mapping[str, Any]) -> TeamsMeeting:
    kind = row["kind"]
    of_event = row["event_id"] is not None
    home = (
        Home(WEBINARS if kind == "webinar" else TOWN_HALLS, row["event_id"], row["session_id"])
        if of_event
        else Home("", row["organizer_id"], row["online_meeting_id"])
    )
    return TeamsMeeting(
        id=row["report_id"],
        ended_at=row["meeting_end_time"],
        vendor_count=row["total_participant_count"],
        kind=kind,
        home=home,
        is_latest=row["source"] == "latest",
        listed=Listed(row["report_id"], row["meeting_start_time"], row["meeting_end_time"]),
        has_registrations=of_event,
    )
