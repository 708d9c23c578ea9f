"""What a fault has to know of a vendor: which call asks for what, where an answer holds its rows, how it goes on.

Knows no fault.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Literal, NamedTuple

import msgspec

from attendance_pipeline.sandbox.wire import Answer, Call

Row = dict[str, Any]
Where = Literal["token", "list", "report", "download"]
"""What a call asks for: a token, a list that leads to meetings, a report about one meeting, a file behind a link."""


class Asked(NamedTuple):
    """What a call asks for, and of a report the meeting's id as the truth has it."""

    where: Where
    meeting: str = ""


class Interval(NamedTuple):
    """Where a row tells a join and a leave."""

    told: Row
    joined: str
    left: str
    seconds: str
    """Or minutes."""


@dataclass(frozen=True)
class Dialect(ABC):
    """How one vendor says it.

    Args:
        url: tells the sandbox's own.
        now: tells the current moment.
        revoke: makes the vendor forget every access token.
    """

    rows_names: ClassVar[Sequence[str]]
    """Under which of these an answer holds its rows."""
    id_names: ClassVar[Sequence[str]]
    """What a listed row calls the meeting's id."""
    end_names: ClassVar[Sequence[str]]
    """What a listed row calls the meeting's end."""

    url: Callable[[], str]
    now: Callable[[], datetime]
    revoke: Callable[[], None]

    @abstractmethod
    def asked(self, call: Call) -> Asked:
        """What a call asks for."""

    def inside(self, call: Call) -> list[Call]:
        """Calls that travel in this one."""
        return []

    @abstractmethod
    def place(self, call: Call) -> int:
        """Where in the list a call goes on that a link of `continued` led to; 0 for a first page."""

    @abstractmethod
    def from_the_start(self, call: Call) -> Call:
        """The same call for the first page."""

    @abstractmethod
    def continued(self, call: Call, answer: Answer, place: int, base: str = "") -> Answer:
        """The answer to this call with a link to where the list goes on, at another address than ours if told so."""

    @abstractmethod
    def ended(self, answer: Answer) -> Answer:
        """The answer without such a link."""

    @abstractmethod
    def throttled(self, call: Call) -> Answer:
        """Too many requests; when to come again isn't said."""

    @abstractmethod
    def unauthorized(self, call: Call) -> Answer:
        """The token isn't good."""

    @abstractmethod
    def no_token(self, call: Call) -> Answer:
        """The credentials aren't good."""

    @abstractmethod
    def unknown_meeting(self, call: Call, meeting: str) -> Answer:
        """There's no such report, or not yet."""

    @abstractmethod
    def forgotten_place(self, call: Call) -> Answer:
        """Where the list was to go on isn't known any more."""

    @abstractmethod
    def interval(self, row: Row) -> Interval | None:
        """Where a row of a report tells a join and a leave, the first if it tells several."""

    def rows(self, answer: Answer) -> list[Any] | None:
        """An answer's rows; None where it has none."""
        body = self._body(answer)
        return next((body[name] for name in self.rows_names if isinstance(body.get(name), list)), None)

    def with_rows(self, answer: Answer, rows: Sequence[object]) -> Answer:
        """The answer with these rows in place of its own."""
        body = self._body(answer)
        name = next(name for name in self.rows_names if isinstance(body.get(name), list))
        return self._with(answer, {name: list(rows)})

    def _body(self, answer: Answer) -> Row:
        if answer.status != 200 or "json" not in answer.content_type:
            return {}
        body = msgspec.json.decode(answer.body)
        return body if isinstance(body, dict) else {}

    def _with(self, answer: Answer, fields: Row) -> Answer:
        return replace(answer, body=msgspec.json.encode(self._body(answer) | fields))
