"""Who attended one Webex meeting or webinar: the attendee report, and the participants with their devices.

Facts: Webex's reference of "List Meeting Attendee Reports" and "List Meeting Participants". Only ids of instances are
asked for: of a series the one answers with all instances, the other with the last.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from attendance_pipeline.archive import Document, without_answer
from attendance_pipeline.clock import Clock
from attendance_pipeline.http.session import Answer, Session
from attendance_pipeline.readings import Meeting, OpenReading
from attendance_pipeline.vendor_json import NOT_JSON, decode
from attendance_pipeline.vendors.paging import LinkPaging, walk
from attendance_pipeline.vendors.shaping import instant
from attendance_pipeline.vendors.webex import account
from attendance_pipeline.vendors.webex.account import LABEL, NOBODY, PAGE, SPAN, Page, Refusal, horizon, text
from attendance_pipeline.vendors.webex.tables import ATTENDEES

ATTENDEES_PAGE = "1000"
PARTICIPANTS_PAGE = "100"
AROUND = timedelta(days=1)
"""Which instant a window selects by isn't documented, so it reaches around the meeting."""

UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)
"""What Webex writes for a time that it will fill in later; it may also leave it out."""


@dataclass(frozen=True)
class WebexMeeting(Meeting):
    """An ended Webex meeting or webinar.

    Attributes:
        started_at: UTC.
        site_url: the attendee report is asked of its site.
        host_email: on whose behalf the participants are asked for where they are refused otherwise.
        settles_at: from when on an answer without any row is taken at its word, UTC.
    """

    started_at: datetime
    site_url: str
    host_email: str | None
    settles_at: datetime


class _Times(msgspec.Struct, rename="camel"):
    joined_time: Any = None
    left_time: Any = None
    devices: list["_Times"] | None = None

    def settled(self) -> bool:
        return not any(_is_unknown(time) for time in (self.joined_time, self.left_time)) and all(
            device.settled() for device in self.devices or ()
        )


def _is_unknown(time: Any) -> bool:
    return time is None or (isinstance(time, str) and instant(time) == UNKNOWN)


class _Rows(msgspec.Struct):
    items: list[_Times]


_TIMES = msgspec.json.Decoder(_Times)
_ROWS = msgspec.json.Decoder(_Rows)


class ParticipantsPaging(LinkPaging):
    """Participants come in pages of 100 at most, and no `Link` is documented for them.

    A page that is full and names no next one is followed up by the same for several spans of the time of joining. An
    empty first page is followed up by the same with the times of joining spelled out: what is meant where they are
    left out isn't documented. A token is what is still to be asked for, a line for each.

    Args:
        meeting: whose participants.
        base_url: the API's address.
        on_behalf_of: the host's e-mail, where an admin has to ask in the host's name.
    """

    def __init__(self, meeting: WebexMeeting, base_url: str, on_behalf_of: str | None) -> None:
        host = {"hostEmail": on_behalf_of} if on_behalf_of else {}
        query = {"meetingId": meeting.id, "max": PARTICIPANTS_PAGE} | host
        super().__init__(account.PARTICIPANTS, query, base_url)
        self._meeting = meeting

    def request(self, token: str) -> tuple[str, dict[str, str]]:
        """See `Paging.request`."""
        return super().request(token.partition("\n")[0])

    def after(self, token: str, answer: Answer[Any]) -> str:
        """See `Paging.after`."""
        asked, _, left = token.partition("\n")
        link = super().after(asked, answer)
        further = [link] if link else self._followed_up(asked, answer)
        return "\n".join([*further, *([left] if left else [])])

    def _followed_up(self, asked: str, answer: Answer[Any]) -> list[str]:
        assert answer.content is not None  # noqa: S101 - a walk goes on after an answer only
        rows, size = len(answer.content.items), int(self.request(asked)[1]["max"])
        begin, end = self._meeting.started_at - AROUND, self._meeting.ended_at + AROUND
        if not asked and not rows:
            return [_joins(begin, end)]
        if rows < size:
            return []
        said, expected = dict(parse_qsl(asked)), 2 * size
        if "joinTimeFrom" in said:
            begin, end = (datetime.fromisoformat(said[name]) for name in ("joinTimeFrom", "joinTimeTo"))
        else:
            expected = max(expected, self._meeting.vendor_count or 0)
        joined = _joined(answer.body)
        if asked and sum(begin <= time < end for time in joined) * 2 < len(joined):
            # The times of joining aren't heeded: every span would give the same page.
            return []
        bounds = _quantiles(joined, 1 + expected * 4 // (size * 3), begin, end)
        # More than a page of joins within one second can't be told apart.
        return [_joins(*span) for span in pairwise([begin, *bounds, end])] if bounds else []


def _joined(body: bytes) -> list[datetime]:
    """When the people of a page joined, as far as Webex says."""
    with suppress(*NOT_JSON):
        joined = [row.joined_time for row in decode(_ROWS, body).items]
        instants = [instant(time) for time in joined if isinstance(time, str)]
        return sorted(found.replace(microsecond=0) for found in instants if found)
    return []


def _quantiles(sample: list[datetime], parts: int, begin: datetime, end: datetime) -> list[datetime]:
    """Instants strictly between `begin` and `end` that cut it into about so many parts of as many joins each."""
    drawn = {sample[len(sample) * part // parts] for part in range(1, parts)} if sample else set()
    middle = (begin + (end - begin) / 2).replace(microsecond=0)
    inside = sorted(found for found in drawn if begin < found < end)
    return inside or ([middle] if begin < middle < end else [])


class Reader:
    """Reads reports about meetings.

    Args:
        session: asks.
        base_url: the API's address.
        clock: what time it is, UTC.
        allowed: reports that the token has been seen to be allowed; is added to.
    """

    def __init__(self, session: Session, base_url: str, clock: Clock, allowed: set[str]) -> None:
        self._session = session
        self._base_url = base_url
        self._clock = clock
        self._allowed = allowed

    async def read(self, meeting: WebexMeeting, report: str, resume: OpenReading | None) -> AsyncIterator[Document]:
        """One report about one meeting; the last document says what came of it.

        Raises:
            RefusedError: the token lacks the report's scope.
        """
        oldest = horizon(self._clock())
        if report == ATTENDEES.name and meeting.started_at < oldest:
            yield without_answer(report, meeting.id, "gone", "started more than 90 days ago", self._clock())
            return
        ways = list(self._ways(meeting, report, oldest))
        for paging in ways:
            rows, refused = 0 if resume is None else 1, False
            async for document, page in walk(
                self._session, paging, PAGE, LABEL, kind=report, subject=meeting.id, resume=resume
            ):
                if page is not None:
                    self._allowed.add(report)
                    rows += len(page.items)
                    yield _judged(document, page, meeting, rows)
                elif document.status == 403 and paging is not ways[-1]:
                    refused, resume = True, None
                else:
                    yield await self._refused(document, meeting, report, paging)
            if not refused:
                return

    def _ways(self, meeting: WebexMeeting, report: str, oldest: datetime) -> Iterator[LinkPaging]:
        if report == ATTENDEES.name:
            yield self._attendees(meeting, oldest)
            return
        yield ParticipantsPaging(meeting, self._base_url, on_behalf_of=None)
        if meeting.host_email:
            # A service app may have to ask in the host's name.
            yield ParticipantsPaging(meeting, self._base_url, meeting.host_email)

    def _attendees(self, meeting: WebexMeeting, oldest: datetime) -> LinkPaging:
        begin = max(meeting.started_at - AROUND, oldest)
        end = min(meeting.ended_at + AROUND, self._clock(), begin + SPAN)
        query = {
            "siteUrl": meeting.site_url,
            "meetingId": meeting.id,
            "from": text(begin),
            "to": text(end),
            "max": ATTENDEES_PAGE,
        }
        return LinkPaging(account.ATTENDEES, query, self._base_url)

    async def _refused(self, document: Document, meeting: WebexMeeting, report: str, paging: LinkPaging) -> Document:
        """What a refusal means for its meeting.

        Raises:
            RefusedError: it isn't about the meeting but about the token.
        """
        refusal = Refusal.read(document.status, document.body)
        if refusal.status == 403 and report not in self._allowed:
            await self._probe(refusal, meeting, report, paging)
        if refusal.status == 404 and refusal.tracking_id:
            # Not ready, deleted, never there: Webex says the same of each.
            return replace(document, outcome="not_ready", reason=str(refusal))
        if refusal.status == 410:
            return replace(document, outcome="gone", reason=str(refusal))
        if not refusal.tracking_id:
            # No body of Webex's: something in between answered.
            return replace(document, outcome="blocked", reason=str(refusal))
        return replace(document, outcome="denied", reason=str(refusal))

    async def _probe(self, refusal: Refusal, meeting: WebexMeeting, report: str, paging: LinkPaging) -> None:
        """Whether the call is refused for any meeting: Webex says 403 of a meeting and of a missing scope alike."""
        path, query = paging.request("")
        answer = await self._session.get(path, query | {"meetingId": NOBODY}, PAGE, LABEL)
        if answer.status == 403:
            raise refusal.error(path, meeting.site_url if report == ATTENDEES.name else "")
        self._allowed.add(report)


def _judged(document: Document, page: Page, meeting: WebexMeeting, rows: int) -> Document:
    """An answer without any row may only be early; one with times that Webex hasn't filled in yet is."""
    if document.last and not rows and (meeting.vendor_count or document.fetched_at < meeting.settles_at):
        return replace(document, outcome="not_ready", reason=f"no rows of {meeting.vendor_count or 'anybody'}")
    return document if all(_settled(row) for row in page.items) else replace(document, outcome="unsettled")


def _settled(row: msgspec.Raw) -> bool:
    """Whether Webex has filled in every time; a row of another format has none to wait for."""
    try:
        return decode(_TIMES, row).settled()
    except NOT_JSON:
        return True


def _joins(begin: datetime, end: datetime) -> str:
    return urlencode({"joinTimeFrom": text(begin), "joinTimeTo": text(end)})
