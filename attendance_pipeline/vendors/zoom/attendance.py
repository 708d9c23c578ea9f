"""Who attended one Zoom meeting or webinar: by UUID, page after page.

Facts: Zoom's reference of `/report/meetings/{id}/participants` and its webinar twin, `/report/meetings/{id}`, and
Zoom's page on meeting IDs and UUIDs.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import msgspec

from attendance_pipeline.archive import Document
from attendance_pipeline.http.session import Session
from attendance_pipeline.readings import Meeting, OpenReading
from attendance_pipeline.vendors.paging import Paging, TokenPaging, walk
from attendance_pipeline.vendors.zoom.account import PAGE_SIZE, Page, Refusal, token_died

PARTICIPANTS = "participants"
DETAIL = "meeting_detail"


@dataclass(frozen=True)
class ZoomMeeting(Meeting):
    """An ended Zoom meeting or webinar.

    Attributes:
        is_webinar: asked at the webinar twin of a call.
        one_participant: Zoom gives no participants report for it.
    """

    is_webinar: bool
    one_participant: bool


class ParticipantsPage(Page, kw_only=True):
    """A page of a participants report."""

    participants: list[msgspec.Raw]


class DetailPage(msgspec.Struct):
    """The answer of `/report/meetings/{id}`."""

    uuid: str


_PARTICIPANTS = msgspec.json.Decoder(ParticipantsPage)
_DETAIL = msgspec.json.Decoder(DetailPage)


def encoded(uuid: str) -> str:
    """A UUID for a path: one that begins with `/` or holds `//` has to be encoded twice."""
    once = quote(uuid, safe="")
    return quote(once, safe="") if uuid.startswith("/") or "//" in uuid else once


async def read(session: Session, meeting: ZoomMeeting, resume: OpenReading | None) -> AsyncIterator[Document]:
    """The answers about one meeting; the last document says what came of it.

    A number would name the latest occurrence, so only UUIDs are asked for. The participants report covers meetings
    with two or more participants; for one participant the meeting's detail stands in, which names the host.
    """
    twins = ["webinars", "meetings"] if meeting.is_webinar else ["meetings", "webinars"]
    for twin in twins:
        path = f"/report/{twin}/{encoded(meeting.id)}"
        pages: AsyncIterator[tuple[Document, Any]]
        if meeting.one_participant:
            pages = walk(session, Paging(path, {}), _DETAIL, "heavy", kind=DETAIL, subject=meeting.id)
        else:
            pages = _participants(session, f"{path}/participants", meeting, resume)
        refusal = None
        async for document, page in pages:
            if page is not None:
                yield _unless_too_early(document, page, meeting)
                continue
            refusal = Refusal.read(document.status, document.body)
            # The list called a webinar a meeting: no verdict, the twin is asked.
            if twin == twins[-1] or refusal.code != 300 or "webinar" not in refusal.message.lower():
                yield _refused(document)
                return
        if refusal is None:
            return


def _participants(
    session: Session, path: str, meeting: ZoomMeeting, resume: OpenReading | None
) -> AsyncIterator[tuple[Document, ParticipantsPage | None]]:
    query = {"page_size": PAGE_SIZE, "include_fields": "registrant_id"}
    return walk(
        session,
        TokenPaging(path, query, token_died),
        _PARTICIPANTS,
        "heavy",
        kind=PARTICIPANTS,
        subject=meeting.id,
        resume=resume,
    )


def _unless_too_early(document: Document, page: object, meeting: ZoomMeeting) -> Document:
    """No rows although the list counts some: the report isn't ready yet."""
    empty = isinstance(page, ParticipantsPage) and not page.participants and document.page == 1
    if empty and document.last and meeting.vendor_count:
        return replace(document, outcome="not_ready", reason=f"no rows of {meeting.vendor_count}")
    return document


def _refused(document: Document) -> Document:
    """What a refusal means for its meeting.

    Raises:
        RefusedError: it isn't about the meeting but about the app.
    """
    refusal = Refusal.read(document.status, document.body)
    refusal.raise_if_general(document.request)
    if refusal.code == 3001:
        # Not ended, not ready, deleted: Zoom says the same of each.
        return replace(document, outcome="not_ready", reason=str(refusal))
    if refusal.code == 12702:
        return replace(document, outcome="gone", reason=f"{refusal}, older than one year")
    if refusal.code == 0:
        # An HTML page from the edge: it has blocked single UUIDs for good.
        return replace(document, outcome="blocked", reason=str(refusal))
    return replace(document, outcome="denied", reason=str(refusal))
