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
    User,
    VirtualEvent,
    VirtualEventSession,
)
from attendance_pipeline.vendors.teams.named import (
    EVENT_KINDS,
    NOT_PUBLISHED,
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
from attendance_pipeline.windows import dates

CALL_RECORDS, CALENDAR, USERS = "call_records", "calendar_view", "users"
REPORTS, LATEST, LIVE_EVENT = "attendance_reports", "latest_report", "live_event"
LOOKUP = "online_meeting"

AROUND = timedelta(days=1)
"""A meeting that was planned for one date may have ended on the next."""
NEWEST = 50
"""So many reports of an online meeting are listed."""
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
    is_latest: bool = False
    reports: set[str] = field(default_factory=set)


@dataclass
class Routes:
    """What the archive's documents say, taken in one by one.

    Args:
        tenant: our tenant's id; empty where the settings name it by its domain.

    Attributes:
        named: by route and id, the meetings that routes named.
        events: by route and id, webinars and town halls.
        meetings: by organizer and join URL, the online meetings.
        calendars: by user, the dates that their calendar was asked for, late enough.
        members: by date, the users whose calendars are to be asked for it.
    """

    tenant: str = ""
    named: dict[tuple[str, str], Named] = field(default_factory=dict)
    events: dict[tuple[str, str], VirtualEvent] = field(default_factory=dict)
    meetings: dict[tuple[str, str], OnlineMeeting] = field(default_factory=dict)
    calendars: dict[str, set[date]] = field(default_factory=dict)
    members: dict[date, set[str]] = field(default_factory=dict)
    _reading_users: dict[str, set[str]] = field(default_factory=dict)
    _by_id: dict[tuple[str, str], OnlineMeeting] = field(default_factory=dict)
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
        for document in archive.listed(min(days) - 2 * AROUND, max(days) + 2 * AROUND, (USERS, *_READERS)):
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
        elif document.kind == USERS:
            self._add_users(document)
        elif document.kind in (REPORTS, LATEST, LIVE_EVENT):
            self._add_list(document)
        elif document.outcome == "answered" and document.kind in _READERS:
            for row in _READERS[document.kind].rows(document)[0]:
                if isinstance(row, VirtualEvent):
                    self._note_event(document.kind, row)
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

    def meeting_at(self, home: Home) -> OnlineMeeting | None:
        """What any lookup that led there brought."""
        return None if home.route else self._by_id.get((home.owner, home.id))

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
            hold.for_good = True
            return hold
        about = {report.id for report in self._about(named)}
        for number, answer in enumerate(sorted(self._answers(named, about), key=lambda answer: answer.at)):
            outcome, reason = answer.outcome, answer.reason
            found = outcome != "answered" or about & answer.reports
            if not found and self._pushed_out(named, answer):
                outcome, reason = "gone", f"{NEWEST} newer reports took its place in the list"
            elif not found:
                silent = answer.at >= named.ended_at + TAKEN_AT_ITS_WORD
                outcome = "gone" if silent else "not_ready"
                reason = "no attendance report was made" if silent else "no attendance report yet"
            head = {"reading": str(number), "fetched_at": answer.at, "outcome": outcome, "reason": reason}
            hold.add(head | {"kind": REPORTS, "page": 1, "last": True, "next_token": ""})
        return hold

    def asked_since(self, named: Named) -> bool:
        """Whether its reports have been asked for since its end."""
        return any(True for _ in self._answers(named, {report.id for report in self._about(named)}))

    def due(self, named: Named, timing: Timing, now: datetime) -> bool:
        """Whether to ask for its report, or for the online meeting that leads there, now."""
        hold = self.held(named)
        if self._was_only_planned(named, hold, timing):
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
        home = self.home(named)
        if named.route != "calendar" or home is None or hold.last_attempt is None or self.was_called(named):
            return False
        if any(self._pushed_out(named, answer) for answer in self._lists.get(home.subject, {}).values()):
            return False
        return hold.outcome in ("not_ready", "gone") and hold.last_attempt >= named.ended_at + timing.settles

    def _pushed_out(self, named: Named, answer: _Answer) -> bool:
        """Whether a list is full of reports that are newer than the meeting."""
        home = self.home(named)
        known = self._reports.get(home.subject, {}) if home else {}
        return len(answer.reports) >= NEWEST and all(
            known[report].started_at > named.ended_at for report in answer.reports
        )

    def _about(self, named: Named) -> list[Listed]:
        """The reports that are about it; those of a session are all about the session."""
        home = self.home(named)
        listed = self._reports.get(home.subject, {}).values() if home else ()
        return [report for report in listed if named.home or report.overlaps(named)]

    def _answers(self, named: Named, about: set[str]) -> Iterable[_Answer]:
        """What was said since its end that says anything of it; `about`: the reports that are about it."""
        home = self.home(named)
        answers: list[_Answer] = []
        if named.join:
            answers += [answer for answer in self._lookups.get(named.join, []) if answer.outcome != "answered"]
        if home:
            of_home = self._lists.get(home.subject, {}).values()
            # The latest report says nothing of other meetings.
            answers += [each for each in of_home if each.whole and (not each.is_latest or about & each.reports)]
        return (answer for answer in answers if answer.at >= named.ended_at)

    def _note(self, named: Named) -> None:
        if self.is_newest(named):
            self.named[named.route, named.id] = named
        if named.join:
            self._by_join.setdefault(named.join, []).append(named)
        if named.home and (url := named.columns["join_web_url"]):
            self._sessions.setdefault(url, {})[named.id] = named

    def _note_event(self, route: str, event: VirtualEvent) -> None:
        self.events[route, event.id] = event
        if event.status in NOT_PUBLISHED:
            # Its sessions may have been listed while it was.
            of_event = [named for named in self.named.values() if named.home and named.home.owner == event.id]
            for named in of_event:
                del self.named[named.route, named.id]
                self._sessions.get(named.columns["join_web_url"], {}).pop(named.id, None)

    def _add_users(self, document: Document) -> None:
        if document.outcome != "answered" or document.window_first is None or document.window_last is None:
            return
        users = self._reading_users.setdefault(document.reading, set())
        users |= {row.id for row in _USERS.rows(document)[0] if row.plans_meetings}
        if document.last:
            for day in dates(document.window_first, document.window_last):
                if document.fetched_at.date() > day + AROUND:
                    self.members[day] = users

    def _note_calendar(self, document: Document) -> None:
        first, last = document.window_first, document.window_last
        if first and last:
            late_enough = {day for day in dates(first, last) if document.fetched_at.date() > day + AROUND}
            self.calendars.setdefault(document.subject, set()).update(late_enough)

    def _add_lookup(self, document: Document) -> None:
        organizer, _, url = document.subject.partition(" ")
        answer = _Answer(document.fetched_at, document.outcome, document.reason)
        if document.outcome == "answered":
            found = _LOOKED_UP.rows(document)[0]
            for row in found:
                self.meetings[organizer, url] = self._by_id[organizer, row.id] = row
            if not found:
                answer.outcome, answer.reason = "blocked", "its online meeting doesn't have the documented format"
        self._lookups.setdefault((organizer, url), []).append(answer)

    def _add_list(self, document: Document) -> None:
        if document.kind == LATEST and document.outcome != "answered":
            # The last resort says nothing new when it fails.
            return
        home, of_home = Home.of(document.subject), self._lists.setdefault(document.subject, {})
        answer = of_home.setdefault(document.reading, _Answer(document.fetched_at, is_latest=document.kind == LATEST))
        answer.outcome, answer.reason = document.outcome, document.reason
        answer.whole = document.last or document.outcome != "answered"
        if document.outcome != "answered":
            return
        if document.kind == LIVE_EVENT:
            listed = [Listed(home.id, *_ALWAYS)]
        else:
            rows = _READERS[document.kind].rows(document)[0]
            listed = [found for row in rows if (found := as_listed(row, home, is_latest=answer.is_latest))]
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
_USERS = RowReader(User, "value")
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
