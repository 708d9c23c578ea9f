"""What a person has to know, told once by each channel.

A trouble is told when it begins, and again only when more joins it. Once it is over it is forgotten, so that its
return is told again. Knows troubles and who was told. Knows no vendor, no Dagster and no way to send anything.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from attendance_pipeline.channels import Channel, DeliveryError
from attendance_pipeline.vendor_json import NOT_JSON
from attendance_pipeline.windows import Window

Kind = Literal["run_failure", "credentials", "schema_drift", "expiring", "stale"]

QUIET = timedelta(days=8)
"""What no run has told of for so long is over: longer than a week, so that a weekly run's failure is told once."""


class Alert(msgspec.Struct, frozen=True):
    """One message about one trouble; no secrets, no people.

    Attributes:
        kind: of trouble.
        about: tells one trouble of this kind from another.
        title: one line.
        text: a few lines more.
        link: where Dagster shows it.
        parts: what joins or leaves the trouble without making it another one, such as dates.
    """

    kind: Kind
    about: str
    title: str
    text: str
    link: str
    parts: frozenset[str] = frozenset()

    def message(self) -> str:
        """All of it as plain text."""
        return "\n".join(line for line in (self.title, self.text, self.link) if line)


class Trouble(msgspec.Struct):
    """Something that is wrong now.

    Attributes:
        alert: the newest message about it.
        seen_at: when it was last seen, UTC.
        work: the piece of work that failed; its success ends the trouble. Empty for what isn't found by runs.
        dates: the ended dates of that work; None where it has none.
        told: by channel, the parts that were told there.
    """

    alert: Alert
    seen_at: datetime
    work: str = ""
    dates: Window | None = None
    told: dict[str, frozenset[str]] = msgspec.field(default_factory=dict)

    def is_owed(self, channel: str) -> bool:
        """Whether the channel hasn't told it, or not all of it."""
        return channel not in self.told or not self.alert.parts <= self.told[channel]


_TROUBLES = msgspec.json.Decoder(dict[str, Trouble])


class Troubles:
    """Everything that is wrong now, and who was told of it.

    Args:
        kept: what `encoded` gave, or nothing; anything else counts as nothing: told twice is better than never.
    """

    def __init__(self, kept: str = "") -> None:
        try:
            self._known = _TROUBLES.decode(kept or "{}")
        except NOT_JSON:
            self._known = {}

    def __iter__(self) -> Iterator[Trouble]:
        return iter(self._known.values())

    def __len__(self) -> int:
        return len(self._known)

    def encoded(self) -> str:
        """What to keep between two looks."""
        return msgspec.json.encode(self._known).decode()

    def failed(self, alert: Alert, at: datetime, work: str, dates: Window | None) -> None:
        """A piece of work over these ended dates went wrong; parts join those that are known."""
        known = self._known.get(_key(alert))
        if known:
            alert = msgspec.structs.replace(alert, parts=alert.parts | known.alert.parts)
        self._keep(alert, at, work, dates)

    def succeeded(self, work: str, dates: Window | None) -> None:
        """The work went well over these dates: whatever troubled it on any of them is over."""
        self._forget(lambda trouble: trouble.work == work and _overlap(trouble.dates, dates))

    def stands(self, kind: Kind, about: str, alert: Alert | None, at: datetime) -> None:
        """What was found where somebody looks every time: this trouble, or that there is none."""
        if alert:
            self._keep(alert, at, "", None)
        else:
            self._known.pop(f"{kind} {about}", None)

    def forget_the_quiet(self, now: datetime) -> None:
        """Forget what no run has told of for long."""
        self._forget(lambda trouble: now - trouble.seen_at > QUIET)

    def _keep(self, alert: Alert, at: datetime, work: str, dates: Window | None) -> None:
        known = self._known.get(_key(alert))
        # a part that has left is told again when it comes back
        told = {channel: parts & alert.parts for channel, parts in known.told.items()} if known else {}
        self._known[_key(alert)] = Trouble(alert, at, work, dates, told)

    def _forget(self, is_over: Callable[[Trouble], bool]) -> None:
        self._known = {key: trouble for key, trouble in self._known.items() if not is_over(trouble)}


def tell(troubles: Troubles, channels: Sequence[Channel], keep: Callable[[], None]) -> tuple[int, list[str]]:
    """Tell every channel what it hasn't told yet.

    A channel that fails is left alone until the next time, so that one which hangs costs its patience once.

    Args:
        troubles: what is wrong.
        channels: that are on.
        keep: commits the troubles; called after each message that left, so that none leaves twice.

    Returns:
        How many messages left, and what a person who looks should know of the channels.
    """
    sent, notes = 0, []
    for channel in channels:
        for trouble in [trouble for trouble in troubles if trouble.is_owed(channel.name)]:
            try:
                note = channel.send(trouble.alert.title, trouble.alert.message())
            except DeliveryError as error:
                notes.append(str(error))
                break
            trouble.told[channel.name] = trouble.alert.parts
            keep()
            sent += 1
            notes += [note] if note else []
    return sent, notes


def _key(alert: Alert) -> str:
    return f"{alert.kind} {alert.about}"


def _overlap(held: Window | None, dates: Window | None) -> bool:
    return held is None or dates is None or (held.first <= dates.last and dates.first <= held.last)
