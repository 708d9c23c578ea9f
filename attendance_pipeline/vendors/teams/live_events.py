"""What is left of one live event: its attendee report, a CSV file, and its recordings.

Facts: Graph's pages "Get online meeting artifacts" (links live for 60 seconds) and "onlineMeeting resource type": the
calls are wound down, "stopped returning data on September 30, 2024", so a refusal says that they are gone.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import msgspec

from attendance_pipeline.archive import Document, new_id, without_answer
from attendance_pipeline.http.download import Linked
from attendance_pipeline.http.errors import OutageError
from attendance_pipeline.http.pacing import Clock
from attendance_pipeline.http.session import Answer, Session
from attendance_pipeline.vendors.teams.account import REPORTS, Refusal, segment
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
        path = _path("v1.0", meeting, "attendeeReport")
        try:
            answer = await self._session.download(path, REPORTS)
        except OutageError as error:
            if error.status != 500:
                raise
            # Graph has been seen to fail so for a report that it doesn't have.
            yield without_answer(
                ATTENDEE_EVENTS.name, meeting.id, "not_ready", "its service fails (500)", self._clock(), 500
            )
            return
        document = _document(ATTENDEE_EVENTS.name, meeting, answer)
        if answer.content is None:
            refusal = Refusal.read(answer.status, answer.body)
            refusal.raise_if_general(REPORTS)
            outcome, reason = refusal.meaning()
            if outcome != "denied":
                silent = self._clock() >= meeting.ended_at + TAKEN_AT_ITS_WORD
                outcome = "gone" if silent else "not_ready"
                reason = f"Graph doesn't offer this live event's attendee report ({refusal})"
            document = replace(document, outcome=outcome, reason=reason)
        yield document

    async def recordings(self, meeting: TeamsMeeting) -> AsyncIterator[Document]:
        """Which recordings there are; the archive holds what they are like, not what they show."""
        reading = new_id()
        for page, kind in enumerate(_PATHS, start=1):
            path = _path("beta", meeting, _PATHS[kind])
            file = self._file(meeting, kind)
            try:
                if file is None:
                    answer = await self._session.download_head(path, REPORTS)
                else:
                    answer = await self._session.download_file(path, REPORTS, file)
            except OutageError as error:
                if error.status != 500:
                    raise
                yield without_answer(
                    RECORDINGS.name, meeting.id, "not_ready", "its service fails (500)", self._clock(), 500
                )
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

    def _file(self, meeting: TeamsMeeting, kind: str) -> Path | None:
        if self._data is None:
            return None
        # Ids from a vendor are never paths.
        return self._data / "recordings" / f"{sha256(meeting.id.encode()).hexdigest()[:32]}-{kind}.mp4"


def _path(version: str, meeting: TeamsMeeting, artifact: str) -> str:
    owner, online_meeting = segment(meeting.home.owner), segment(meeting.home.id)
    return f"/{version}/users/{owner}/onlineMeetings/{online_meeting}/{artifact}"


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
