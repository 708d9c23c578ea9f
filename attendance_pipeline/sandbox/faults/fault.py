"""A fault, and a fault at work: which calls it bends, and when it's over."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from attendance_pipeline.sandbox.faults.dialect import Asked, Dialect, Where
from attendance_pipeline.sandbox.wire import Answer, Call

Ask = Callable[[Call], Answer]
"""What the vendor would say."""

EVERYWHERE = ("zoom", "webex", "teams")


@dataclass(frozen=True)
class Fault:
    """A way in which a vendor misbehaves.

    Attributes:
        name: what it's called.
        says: what happens, in a line.
        bend: what is answered instead, told what the vendor would say; None: what the vendor says.
        where: calls that it bends.
        times: how many answers it bends, of lists and of reports each; None: until it's ended.
        one_meeting: whether it stays with one meeting's reports.
        on_the_wire: whether it needs a connection of its own; an item of a batch has none, the batch has.
        vendors: where it can happen.
    """

    name: str
    says: str
    bend: "Callable[[Trouble, Call, Ask], Answer | None]"
    where: tuple[Where, ...] = ("list", "report")
    times: int | None = None
    one_meeting: bool = False
    on_the_wire: bool = False
    vendors: tuple[str, ...] = EVERYWHERE


@dataclass
class Trouble:
    """A fault at work at one vendor.

    Attributes:
        fault: which.
        vendor: where.
        dialect: how that vendor says it.
        meeting: whom it stays with, as the truth's `vendor_meeting_id`; if empty, whose report is asked for first.
        times: as the fault's.
        elsewhere: an address that isn't the vendor's, for faults that lead there.
        seen: how often the fault has met what; for its own use.
        bent: answers that it has bent.
    """

    fault: Fault
    vendor: str
    dialect: Dialect
    meeting: str
    times: int | None
    elsewhere: str
    seen: Counter[str] = field(default_factory=Counter)
    bent: Counter[Where] = field(default_factory=Counter)

    def answer(self, call: Call, ask: Ask) -> Answer:
        """What is answered, by the fault or by whoever is behind it."""
        where = self._hit(call)
        if where is None or (self.times is not None and self.bent[where] >= self.times):
            return ask(call)
        bent = self.fault.bend(self, call, ask)
        if bent is None:
            return ask(call)
        self.bent[where] += 1
        return bent

    def _hit(self, call: Call) -> Where | None:
        if self.fault.on_the_wire:
            return None if call.batched else self._first(self.dialect.inside(call) or [call])
        return None if self.dialect.inside(call) else self._first([call])

    def _first(self, calls: Iterable[Call]) -> Where | None:
        """What the first of these asks for that the fault bends."""
        return next((asked.where for call in calls if self._is_meant(asked := self.dialect.asked(call))), None)

    def _is_meant(self, asked: Asked) -> bool:
        if asked.where not in self.fault.where:
            return False
        if not self.fault.one_meeting or asked.where != "report":
            return True
        self.meeting = self.meeting or asked.meeting
        return asked.meeting == self.meeting
