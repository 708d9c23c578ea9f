"""What is left of one live event: its attendee report, a CSV file, and its recordings.

Facts: Graph's pages "Get online meeting artifacts" (links live for 60 seconds) and "onlineMeeting resource type": the
calls are wound down, "stopped returning data on September 30, 2024", so a refusal says that they are gone.
"""

from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import msgspec

from attendance_pipeline.archive import Document, new_id, without_answer
from attendance_pipeline.clock import Clock
from attendance_pipeline.http.download import Linked
from attendance_pipeline.http.errors import OutageError
from attendance_pipeline.http.session import Answer, Session
from attendance_pipeline.shape import Table
from attendance_pipeline.vendors.teams.account import REPORTS, Refusal, refused
from attendance_pipeline.vendors.teams.attendance import TeamsMeeting
from attendance_pipeline.vendors.teams.documented import Artifact
from attendance_pipeline.vendors.teams.routes import TAKEN_AT_ITS_WORD
from attendance_pipeline.vendors.teams.tables import ATTENDEE_EVENTS, RECORDINGS

RECORDING, ALTERNATIVE = "recording", "alternative_recording"
_PATHS = {RECORDING: "recording", ALTERNATIVE: "alternativeRecording"}
_ENCODER = msgspec.json.Encoder()


class Artifacts:
    """Asks for what is left of live events.

    Args:
        session: asks.
        clock: what time it is, UTC.
        data: the data folder, below which recordings are downloaded to; None: they aren't.
    """

    def __init__(self, session: Session, clock: Clock, data: Path | None) -> None:
        self._session = session
        self._clock = clock
        self._data = data

    async def attendee_report(self, meeting: TeamsMeeting) -> AsyncIterator[Document]:
        """Who joined and left when."""
        path = f"{meeting.home.online_meeting('v1.0')}/attendeeReport"
        answer = await self._unless_it_fails(self._session.download(path, REPORTS))
        if answer is None:
            yield self._failing(ATTENDEE_EVENTS, meeting)
            return
        document = _document(ATTENDEE_EVENTS.name, meeting, answer)
        if answer.content is None:
            document = refused(document, REPORTS)
            if document.outcome != "denied":
                silent = self._clock() >= meeting.ended_at + TAKEN_AT_ITS_WORD
                told = Refusal.read(answer.status, answer.body)
                document = replace(
                    document,
                    outcome="gone" if silent else "not_ready",
                    reason=f"Graph doesn't offer this live event's attendee report ({told})",
                )
        yield document

    async def recordings(self, meeting: TeamsMeeting) -> AsyncIterator[Document]:
        """Which recordings there are; the archive holds what they are like, not what they show."""
        reading = new_id()
        for page, kind in enumerate(_PATHS, start=1):
            path = f"{meeting.home.online_meeting('beta')}/{_PATHS[kind]}"
            file = self._file(meeting, kind)
            if file is None:
                asking = self._session.download_head(path, REPORTS)
            else:
                asking = self._session.download_file(path, REPORTS, file)
            answer = await self._unless_it_fails(asking)
            if answer is None:
                yield self._failing(RECORDINGS, meeting)
                return
            artifact = Artifact(is_available=False)
            if linked := answer.content:
                stored = str(file.relative_to(self._data)) if file and self._data else None
                artifact = Artifact(True, linked.size, linked.content_type or None, stored)
            else:
                Refusal.read(answer.status, answer.body).raise_if_general(REPORTS)
            document = _document(kind, meeting, answer)
            body = _ENCODER.encode(artifact)
            yield replace(document, reading=reading, page=page, last=page == len(_PATHS), body=body)

    async def _unless_it_fails(self, asking: Awaitable[Answer[Linked]]) -> Answer[Linked] | None:
        """The answer; None for a 500, as which Graph has been seen to tell of what it doesn't have."""
        try:
            return await asking
        except OutageError as error:
            if error.status != 500:
                raise
            return None

    def _failing(self, report: Table, meeting: TeamsMeeting) -> Document:
        return without_answer(report.name, meeting.id, "not_ready", "its service fails (500)", self._clock(), 500)

    def _file(self, meeting: TeamsMeeting, kind: str) -> Path | None:
        if self._data is None:
            return None
        # Ids from a vendor are never paths.
        return self._data / "recordings" / f"{sha256(meeting.id.encode()).hexdigest()[:32]}-{kind}.mp4"


def _document(kind: str, meeting: TeamsMeeting, answer: Answer[Linked]) -> Document:
    return Document(
        document_id=new_id(),
        kind=kind,
        subject=meeting.id,
        reading=new_id(),
        page=1,
        last=True,
        request=answer.request,
        status=answer.status,
        fetched_at=answer.fetched_at,
        body=answer.body,
    )
