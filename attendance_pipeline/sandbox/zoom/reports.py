"""What each documented call answers when nothing stands in its way.

A public method per call, named in ROUTES; each takes the request and gives the body, or raises a ZoomError.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar, cast

import msgspec

from attendance_pipeline.sandbox.model import Kind, Occurrence, Person
from attendance_pipeline.sandbox.organisation import Organisation
from attendance_pipeline.sandbox.zoom.errors import ZoomError
from attendance_pipeline.sandbox.zoom.identity import ZoomIdentity
from attendance_pipeline.sandbox.zoom.options import ZoomOptions
from attendance_pipeline.sandbox.zoom.routes import Request
from attendance_pipeline.sandbox.zoom.rows import ZoomRows, instant
from attendance_pipeline.sandbox.zoom.tokens import PageTokens
from attendance_pipeline.sandbox.zoom.windows import (
    MONTHS_OF_INSTANCES,
    MONTHS_OF_LISTS,
    TOO_OLD,
    is_a_year_old,
    months_before,
    window,
)

T = TypeVar("T")

DASHBOARD_ONLY = "This API is only available for Business or higher accounts that have enabled the Dashboard feature."


class ZoomReports:
    """Finds and pages what one account may see; only what has ended exists for it."""

    def __init__(self, organisation: Organisation, options: ZoomOptions, now: Callable[[], datetime]) -> None:
        self.organisation = organisation
        self.options = options
        self.now = now
        self.identity = ZoomIdentity(organisation)
        self.rows = ZoomRows(organisation, self.identity)
        self.pages = PageTokens(options, now)

    def users(self, request: Request) -> object:
        """People of the account by status; deleted ones are in none of the lists."""
        status = request.choice("status", ("active", "inactive", "pending"))
        people = [person for person in self.organisation.employees if person.status == status]
        return self._page(request, "users", people, self.rows.user, maximum=2_000) | {"page_number": 1}

    def report_users(self, request: Request) -> object:
        """Hosts with a meeting that started in the range, even deleted ones; or the users without any."""
        kind = request.choice("type", ("active", "inactive"))
        first, last = window(request.query, self._today)
        hosted: dict[Person, list[Occurrence]] = {}
        for occurrence in self._started(first, last):
            hosted.setdefault(occurrence.host, []).append(occurrence)
        if kind == "active":
            people = list(hosted)
        else:
            listed = ("active", "inactive")
            people = [p for p in self.organisation.employees if p not in hosted and p.status in listed]
        people.sort(key=lambda person: person.email)

        def row(person: Person) -> dict[str, object]:
            summaries = [self.rows.summary(occurrence) for occurrence in hosted.get(person, ())]
            return {
                "id": self.identity.user_id(person),
                "user_name": person.name,
                "email": person.email,
                "type": 2,
                "dept": person.department,
                "meetings": len(summaries),
                "participants": sum(summary.rows for summary in summaries),
                "meeting_minutes": sum(summary.minutes for summary in summaries),
                "custom_attributes": [],
            }

        totals = [self.rows.summary(occurrence) for person in people for occurrence in hosted.get(person, ())]
        return self._page(request, "users", people, row) | {
            "from": str(first),
            "to": str(last),
            "page_number": 1,
            "total_meetings": len(totals),
            "total_participants": sum(summary.rows for summary in totals),
            "total_meeting_minutes": sum(summary.minutes for summary in totals),
        }

    def host_meetings(self, request: Request) -> object:
        """Meetings and webinars that one host started in the range; two or more people, or exactly one."""
        kind = request.choice("type", ("past", "pastOne", "pastJoined"))
        first, last = window(request.query, self._today)
        if kind == "pastJoined":
            raise ZoomError(400, 300, "Invalid parameter: type.")  # not modelled here
        host = self.identity.employees.get(request.id)
        if host is None or host.status == "deleted":
            raise ZoomError(404, 1001, f"User {request.id} not exist or not belong to this account.")
        found = [
            occurrence
            for occurrence in self._started(first, last)
            if occurrence.host is host and occurrence.solo == (kind == "pastOne")
        ]
        found.sort(key=lambda occurrence: occurrence.started_at)
        return self._page(request, "meetings", found, self.rows.host_row) | {
            "from": str(first),
            "to": str(last),
            "page_number": 1,
        }

    def history(self, request: Request) -> object:
        """Meetings and webinars of all hosts, by start or end date; the account may lack the right to it."""
        if not self.options.history_meetings:
            raise ZoomError(400, 200, "No permission.")
        by = request.choice("date_type", ("start_time", "end_time"))
        kind = request.choice("meeting_type", ("all", "meeting", "webinar"))
        first, last = window(request.query, self._today)
        if request.query.get("group_id"):
            raise ZoomError(403, 12703, f"No permission for the group: {request.query['group_id']}.")
        request.choice("report_type", ("all",))  # no polls and the like here
        words = request.query.get("search_key", "").casefold()
        source = self._started(first, last) if by == "start_time" else self._ended(first, last)
        found = [
            occurrence
            for occurrence in source
            if kind in ("all", occurrence.kind)
            and (self.options.history_includes_solo or not occurrence.solo)
            and words in occurrence.title.casefold()
        ]
        found.sort(key=lambda one: one.started_at if by == "start_time" else one.ended_at)
        page = self._page(request, "history_meetings", found, self.rows.history_row)
        return {name: page[name] for name in ("next_page_token", "page_size", "history_meetings")}

    def daily(self, request: Request) -> object:
        """A month's totals by start date; participants are joins."""
        today = self._today
        year = request.number("year", today.year, maximum=9_999)
        month = request.number("month", today.month, maximum=12)
        first = date(year, month, 1)
        if first > today or first < months_before(today.replace(day=1), MONTHS_OF_LISTS):
            text = "Daily report can only be provided for a month that falls within the recent 6 months."
            raise ZoomError(400, 300, text)
        last = min(today, date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1))
        dates = []
        for ordinal in range(first.toordinal(), last.toordinal() + 1):
            day = date.fromordinal(ordinal)
            summaries = [self.rows.summary(occurrence) for occurrence in self._started(day, day)]
            dates.append(
                {
                    "date": str(day),
                    "new_users": sum(person.hired == day for person in self.organisation.employees),
                    "meetings": len(summaries),
                    "participants": sum(summary.rows for summary in summaries),
                    "meeting_minutes": sum(summary.minutes for summary in summaries),
                }
            )
        return {"year": year, "month": month, "dates": dates}

    def meeting(self, request: Request) -> object:
        """One ended meeting; unlike the participants report it also knows those with one participant."""
        return self.rows.detail(self._reported(request.id, "meeting"))

    def webinar(self, request: Request) -> object:
        """One ended webinar."""
        return self.rows.detail(self._reported(request.id, "webinar"))

    def meeting_participants(self, request: Request) -> object:
        """One row per join; none for a one-participant meeting."""
        return self._participants(request, "meeting")

    def webinar_participants(self, request: Request) -> object:
        """One row per join, panelists and audience alike."""
        return self._participants(request, "webinar")

    def _participants(self, request: Request, kind: Kind) -> object:
        asked = request.choice("include_fields", ("", "registrant_id"))
        occurrence = self._reported(request.id, kind)
        if occurrence.solo and self.options.solo_report == "missing":
            raise _missing(request.id, kind)
        rows: tuple[bytes, ...] = ()
        if not occurrence.solo:
            rows = self.rows.participants(occurrence, registrants=asked == "registrant_id")
        return self._page(request, "participants", rows, msgspec.Raw)

    def dashboard_participants(self, request: Request) -> object:
        """Ended meetings only: whoever asks for live ones gets 3001."""
        if not self.options.dashboard or self.options.plan != "business":
            raise ZoomError(400, 200, DASHBOARD_ONLY)
        kind = request.choice("type", ("live", "past", "pastOne"))
        occurrence = self._reported(request.id, "meeting")
        if occurrence.ended_at.date() < months_before(self._today, MONTHS_OF_LISTS):
            raise ZoomError(400, 300, TOO_OLD)
        if kind == "live" or occurrence.solo != (kind == "pastOne"):
            raise ZoomError(404, 3001, "Meeting ID is invalid or has not ended.")
        joins = [(user_id, stay) for user_id, stay in self.rows.joins(occurrence)]
        return self._page(
            request,
            "participants",
            joins,
            lambda join: self.rows.dashboard_participant(occurrence, join[1], join[0]),
        )

    def meeting_instances(self, request: Request) -> object:
        """UUIDs of a meeting number, the latest first; no pages."""
        found = self._instances(request.id, "meeting")
        if not found:
            raise _missing(request.id, "meeting")
        return {"meetings": found}

    def webinar_instances(self, request: Request) -> object:
        """UUIDs of a webinar number, the latest first; no pages."""
        found = self._instances(request.id, "webinar")
        if not found:
            raise ZoomError(400, 300, "Invalid webinar ID.")
        return {"webinars": found}

    def _instances(self, text: str, kind: Kind) -> list[dict[str, str]]:
        """Every occurrence of a number that ended in the last 15 months; a UUID is no number."""
        if not text.isdecimal():
            raise ZoomError(400, 300, f"Invalid {kind} ID.")
        return [
            {"uuid": self.identity.uuid(one), "start_time": instant(one.started_at)}
            for one in self._occurrences_of(int(text), MONTHS_OF_INSTANCES)
            if one.kind == kind
        ]

    def _reported(self, text: str, kind: Kind) -> Occurrence:
        """The occurrence whose report is asked for; of a number the latest that ended."""
        if text.isdecimal():
            occurrence = next(self._occurrences_of(int(text), MONTHS_OF_INSTANCES), None)
        else:
            occurrence = self.identity.occurrence_of(text)
        if occurrence is None or occurrence.ended_at > self.now():
            raise _missing(text, kind)
        if kind == "meeting" and occurrence.kind == "webinar":
            raise ZoomError(400, 300, f"Can not access webinar info, {text}.")
        if kind != occurrence.kind:
            raise _missing(text, kind)
        if is_a_year_old(occurrence.ended_at, self.now()):
            article = "" if kind == "meeting" else "a "
            raise ZoomError(400, 12702, f"Can not access {article}{kind} a year ago.")
        if occurrence.report_ready_at > self.now():
            raise _missing(text, kind)
        return occurrence

    def _occurrences_of(self, number: int, months: int) -> Iterator[Occurrence]:
        series = self.identity.series_of(number)
        if series is not None:
            now = self.now()
            reach = now.date() - months_before(now.date(), months)
            for occurrence in self.organisation.occurrences_of(series, now, reach):
                if occurrence.vendor == "zoom":
                    yield occurrence

    def _started(self, first: date, last: date) -> Iterator[Occurrence]:
        return self._visible(self.organisation.started_between(first, min(last, self._today)))

    def _ended(self, first: date, last: date) -> Iterator[Occurrence]:
        return self._visible(self.organisation.ended_between(first, min(last, self._today)))

    def _visible(self, occurrences: Iterator[Occurrence]) -> Iterator[Occurrence]:
        now = self.now()
        return (one for one in occurrences if one.vendor == "zoom" and one.ended_at <= now)

    @property
    def _today(self) -> date:
        return self.now().astimezone(UTC).date()

    def _page(
        self,
        request: Request,
        name: str,
        items: Sequence[T],
        render: Callable[[T], object],
        *,
        maximum: int = 300,
    ) -> dict[str, object]:
        """One page of a list in Zoom's envelope, and the token for the next, "" on the last.

        Page sizes above the maximum are refused. Pages after the first come from the list as it was then.
        """
        size = request.number("page_size", 30, maximum=maximum)
        offset = 0
        token = request.query.get("next_page_token")
        if token:
            place = self.pages.redeem(token, request.binding)
            if place is None:
                raise ZoomError(400, 300, "The next page token is invalid or expired.")
            items, offset = cast(Sequence[T], place[0]), place[1]
        end = offset + size
        return {
            "page_count": -(-len(items) // size),
            "page_size": size,
            "total_records": len(items),
            "next_page_token": self.pages.issue(request.binding, items, end) if end < len(items) else "",
            name: [render(item) for item in items[offset:end]],
        }


def _missing(text: str, kind: Kind) -> ZoomError:
    """Unknown, not ended, not ready or wrongly encoded: Zoom doesn't say which."""
    return ZoomError(404, 3001, f"{kind.capitalize()} does not exist: {text}.")
