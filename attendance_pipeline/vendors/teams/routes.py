"""What is known of the ways from a date to an attendance report: who named a meeting, and where its reports are.

Graph has no list of ended meetings with attendance. Call records and calendars name an organizer and a join URL, the
URL leads to an online meeting, that to its reports; webinars and town halls are listed with their sessions. All of it
is read from archived documents, so that discovery and the tables see the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from attendance_pipeline.archive import Archive, Document, Outcome
from attendance_pipeline.readings import Held, Timing
from attendance_pipeline.rows import RowReader
from attendance_pipeline.vendors.teams.account import LOOKUP_REACH
from attendance_pipeline.vendors.teams.documented import (
    AttendanceReport,
    CalendarEvent,
    CallRecord,
    OnlineMeeting,
    VirtualEvent,
    VirtualEventSession,
)
from attendance_pipeline.vendors.teams.named import (
    EVENT_KINDS,
    SESSIONS,
    TOWN_HALLS,
    WEBINARS,
    Home,
    Kind,
    Listed,
    Named,
    as_listed,
    of_calendar,
    of_call_record,
    of_session,
)

CALL_RECORDS, CALENDAR, USERS = "call_records", "calendar_view", "users"
REPORTS, LATEST, LIVE_EVENT = "attendance_reports", "latest_report", "live_event"
LOOKUP = "online_meeting"

AROUND = timedelta(days=1)
"""A meeting that was planned for one date may have ended on the next."""
TAKEN_AT_ITS_WORD = timedelta(hours=72)
"""From when on a list of reports without one is believed: reports can be switched off."""

_ALWAYS = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
"""A live event is one meeting, however often it is begun."""


@dataclass
class _Answer:
    """What one walk through a list of reports, or one lookup, said."""

    at: datetime
    outcome: Outcome = "answered"
    reason: str = ""
    whole: bool = False
    reports: set[str] = field(default_factory=set)


@dataclass
class Routes:
    """What the archive's documents say, taken in one by one.

    Args:
        tenant: our tenant's id; empty where the settings name it by its domain.
    """

    tenant: str = ""
    named: dict[tuple[str, str], Named] = field(default_factory=dict)
    events: dict[tuple[str, str], VirtualEvent] = field(default_factory=dict)
    meetings: dict[tuple[str, str], OnlineMeeting] = field(default_factory=dict)
    calendars: dict[str, set[date]] = field(default_factory=dict)
    _sessions: dict[str, dict[str, Named]] = field(default_factory=dict)
    _lookups: dict[tuple[str, str], list[_Answer]] = field(default_factory=dict)
    _lists: dict[str, dict[str, _Answer]] = field(default_factory=dict)
    _reports: dict[str, dict[str, Listed]] = field(default_factory=dict)
    _homes: dict[str, set[str]] = field(default_factory=dict)
    _by_join: dict[tuple[str, str] | None, list[Named]] = field(default_factory=dict)
    _by_home: dict[str, list[Named]] | None = None

    @classmethod
    def known(cls, archive: Archive, days: Sequence[date], tenant: str) -> "Routes":
        """What the archive knows of meetings that ended on these dates, give or take one."""
        routes = cls(tenant)
        for document in archive.lookups():
            routes.add(document)
        for document in archive.listed(min(days) - 2 * AROUND, max(days) + 2 * AROUND, tuple(_READERS)):
            routes.add(document)
        return routes

    def add(self, document: Document) -> None:
        """Take in one answer; answers come oldest first."""
        if document.kind not in (REPORTS, LATEST, LIVE_EVENT):
            self._by_home = None
        if document.kind == CALENDAR and (document.last or document.outcome == "gone"):
            self._note_calendar(document)
        if document.kind == LOOKUP:
            self._add_lookup(document)
        elif document.kind in (REPORTS, LATEST, LIVE_EVENT):
            self._add_list(document)
        elif document.outcome == "answered" and document.kind in _READERS:
            for row in _READERS[document.kind].rows(document)[0]:
                if isinstance(row, VirtualEvent):
                    self.events[document.kind, row.id] = row
                elif isinstance(named := self.name(row, document), Named):
                    self._note(named)

    def name(self, row: Any, document: Document) -> Named | str | None:
        """The meeting that a row of a list names; the rule that the row breaks; None: it names none."""
        if isinstance(row, CallRecord):
            return of_call_record(row, self.tenant)
        if isinstance(row, CalendarEvent):
            return of_calendar(row, document.subject)
        if isinstance(row, VirtualEventSession):
            route = WEBINARS if document.kind == SESSIONS[WEBINARS] else TOWN_HALLS
            return of_session(row, route, document.subject, self.events.get((route, document.subject)))
        return None

    def is_newest(self, named: Named) -> bool:
        """Whether no route has said something newer under the same id."""
        known = self.named.get((named.route, named.id))
        return known is None or (known.columns.get("version") or 0) <= (named.columns.get("version") or 0)

    def home(self, named: Named) -> Home | None:
        """Where its reports are, as far as that is known."""
        if named.home or not named.join:
            return named.home
        if sessions := self._sessions.get(named.join[1]):
            # Webinars and town halls have call records and calendar events, too; sessions may share a join URL.
            return min(sessions.values(), key=lambda session: abs(session.started_at - named.started_at)).home
        meeting = self.meetings.get(named.join)
        return Home("", named.join[0], meeting.id) if meeting else None

    def online_meeting(self, named: Named) -> OnlineMeeting | None:
        """What looking up its join URL brought."""
        return self.meetings.get(named.join) if named.join else None

    def kind(self, named: Named) -> Kind:
        """What it is."""
        home, meeting = self.home(named), self.online_meeting(named)
        if home and home.route:
            return EVENT_KINDS[home.route]
        return "live_event" if meeting and meeting.is_live_event else "meeting"

    def at_home(self, home: Home) -> list[Named]:
        """The meetings whose reports are there."""
        if self._by_home is None:
            self._by_home = {}
            for named in self.named.values():
                if found := self.home(named):
                    self._by_home.setdefault(found.subject, []).append(named)
        return self._by_home.get(home.subject, [])

    def names(self, home: Home, report: Listed) -> list[Named]:
        """The meetings that a report at this home is about; the reports of a session are all about it."""
        return [named for named in self.at_home(home) if named.home or report.overlaps(named)]

    def is_of(self, home: Home, report: Listed) -> bool:
        """Whether a report belongs there: a channel's meetings list each other's; an event is believed first."""
        others = sorted(self._homes.get(report.id, {home.subject}), reverse=True)
        fitting = [subject for subject in others if self.names(Home.of(subject), report)]
        return home.subject == (fitting or others)[0]

    def is_listed(self, home: Home, latest: Listed) -> bool:
        """Whether a list names the report that the deprecated call gave as the latest."""
        listed = self._reports.get(home.subject, {})
        return any(report.overlaps(latest) for report in listed.values() if not report.is_latest)

    def report(self, named: Named) -> str | None:
        """The first report that is about it."""
        found = self._about(named)
        return min(found, key=lambda report: (report.is_latest, report.started_at, report.id)).id if found else None

    def held(self, named: Named) -> Held:
        """What asking for its report brought so far, as if it were a report itself."""
        hold = Held()
        if named.refused:
            hold.outcome, hold.reason = named.refused[0], named.refused[1]  # type: ignore[assignment]
            return hold
        about = {report.id for report in self._about(named)}
        for number, answer in enumerate(sorted(self._answers(named), key=lambda answer: answer.at)):
            outcome, reason = answer.outcome, answer.reason
            if outcome == "answered" and not about & answer.reports:
                silent = answer.at >= named.ended_at + TAKEN_AT_ITS_WORD
                outcome = "gone" if silent else "not_ready"
                reason = "no attendance report was made" if silent else "no attendance report yet"
            head = {"reading": str(number), "fetched_at": answer.at, "outcome": outcome, "reason": reason}
            hold.add(head | {"kind": REPORTS, "page": 1, "last": True, "next_token": ""})
        return hold

    def asked_since(self, named: Named) -> bool:
        """Whether its reports have been asked for since its end."""
        return any(True for _ in self._answers(named))

    def due(self, named: Named, timing: Timing, now: datetime) -> bool:
        """Whether to ask for its report, or for the online meeting that leads there, now."""
        hold = self.held(named)
        if named.refused or self._was_only_planned(named, hold, timing):
            return False
        return hold.due(named.meeting, timing, now)

    def verdict(self, named: Named, timing: Timing) -> tuple[str, str | None]:
        """What became of finding its report, and why."""
        hold = self.held(named)
        if self.report(named):
            return "found", None
        if self._was_only_planned(named, hold, timing):
            return "not_held", "planned, and neither a call record nor a report says that it took place"
        if hold.outcome == "answered":
            return "not_ready", "not asked for yet"
        return hold.outcome, hold.reason

    def was_called(self, planned: Named) -> bool:
        """Whether a call record says that what a calendar planned took place."""
        return planned.route == "calendar" and any(
            other.route == "call_records" and other.overlaps(planned) for other in self._by_join.get(planned.join, [])
        )

    def _was_only_planned(self, named: Named, hold: Held, timing: Timing) -> bool:
        """Whether a calendar names it, and nothing else does although it was asked."""
        if named.route != "calendar" or hold.outcome not in ("not_ready", "gone") or hold.last_attempt is None:
            return False
        asked = self.home(named) is not None and hold.last_attempt >= named.ended_at + timing.settles
        return asked and not self.was_called(named)

    def _about(self, named: Named) -> list[Listed]:
        """The reports that are about it; those of a session are all about the session."""
        home = self.home(named)
        listed = self._reports.get(home.subject, {}).values() if home else ()
        return [report for report in listed if named.home or report.overlaps(named)]

    def _answers(self, named: Named) -> Iterable[_Answer]:
        home = self.home(named)
        answers: list[_Answer] = []
        if named.join:
            answers += [answer for answer in self._lookups.get(named.join, []) if answer.outcome != "answered"]
        if home:
            answers += [answer for answer in self._lists.get(home.subject, {}).values() if answer.whole]
        return (answer for answer in answers if answer.at >= named.ended_at)

    def _note(self, named: Named) -> None:
        if self.is_newest(named):
            self.named[named.route, named.id] = named
        if named.join:
            self._by_join.setdefault(named.join, []).append(named)
        if named.home and (url := named.columns["join_web_url"]):
            self._sessions.setdefault(url, {})[named.id] = named

    def _note_calendar(self, document: Document) -> None:
        first, last = document.window_first, document.window_last
        if first and last:
            seen = {first + timedelta(days=day) for day in range((last - first).days + 1)}
            self.calendars.setdefault(document.subject, set()).update(
                day for day in seen if document.fetched_at.date() > day + AROUND
            )

    def _add_lookup(self, document: Document) -> None:
        organizer, _, url = document.subject.partition(" ")
        self._lookups.setdefault((organizer, url), []).append(
            _Answer(document.fetched_at, document.outcome, document.reason)
        )
        if document.outcome == "answered":
            for row in _LOOKED_UP.rows(document)[0]:
                self.meetings[organizer, url] = row

    def _add_list(self, document: Document) -> None:
        if document.kind == LATEST and document.outcome != "answered":
            # The last resort says nothing new when it fails.
            return
        of_home = self._lists.setdefault(document.subject, {})
        answer = of_home.setdefault(document.reading, _Answer(document.fetched_at))
        answer.outcome, answer.reason = document.outcome, document.reason
        answer.whole = document.last or document.outcome != "answered"
        if document.outcome != "answered":
            return
        if document.kind == LIVE_EVENT:
            listed = [Listed(Home.of(document.subject).id, *_ALWAYS)]
        else:
            rows = _READERS[document.kind].rows(document)[0]
            listed = [found for row in rows if (found := as_listed(row, is_latest=document.kind == LATEST))]
        for report in listed:
            answer.reports.add(report.id)
            self._homes.setdefault(report.id, set()).add(document.subject)
            known = self._reports.setdefault(document.subject, {})
            if report.id not in known or known[report.id].is_latest:
                known[report.id] = report


def expired(named: Named, now: datetime) -> bool:
    """Whether its join URL may have been forgotten."""
    return now - named.ended_at > LOOKUP_REACH - timedelta(days=10)


_LOOKED_UP = RowReader(OnlineMeeting, "value")
_READERS: dict[str, RowReader[Any]] = {
    WEBINARS: RowReader(VirtualEvent, "value"),
    TOWN_HALLS: RowReader(VirtualEvent, "value"),
    CALL_RECORDS: RowReader(CallRecord, "value"),
    CALENDAR: RowReader(CalendarEvent, "value"),
    SESSIONS[WEBINARS]: RowReader(VirtualEventSession, "value"),
    SESSIONS[TOWN_HALLS]: RowReader(VirtualEventSession, "value"),
    REPORTS: RowReader(AttendanceReport, "value"),
    LATEST: RowReader(AttendanceReport, None),
    LIVE_EVENT: RowReader(OnlineMeeting, None),
}
