"""What was booked: which series are held in channels, what calendars hold, and what never took place."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from attendance_pipeline.sandbox.model import Occurrence, Series
from attendance_pipeline.sandbox.organisation import Organisation
from attendance_pipeline.sandbox.teams.options import TeamsOptions

BOOKED_EVERY = timedelta(minutes=5)
UNHELD_SHARE = 0.25
"""Of weekdays, that hold a meeting which was booked and never took place."""
APART = 30
"""Minutes between meetings of one channel, at least: what's told of them is told apart by time alone."""
CHANNELS = 2


class Bookings:
    """Decides for each series; nothing of it depends on when it's asked."""

    def __init__(self, organisation: Organisation, options: TeamsOptions) -> None:
        self.organisation = organisation
        self.options = options
        self.unheld = lru_cache(maxsize=None)(self._unheld)
        self._channels = self._paired()

    def channel_of(self, series: Series) -> int | None:
        """The channel that a series is held in, if any."""
        return self._channels.get(series.id) if self.options.channels else None

    def channel(self, series: Series) -> tuple[Series, ...]:
        """All series that are held where this one is."""
        number = self.channel_of(series)
        if number is None:
            return (series,)
        return tuple(one for one in self.organisation.series if self.channel_of(one) == number)

    def planned(self, occurrence: Occurrence) -> tuple[datetime, datetime]:
        """When it was booked for."""
        series = occurrence.series
        if series.booking == "recurring":
            began = _at(occurrence.day, series.minute)
            return began, began + timedelta(minutes=series.minutes)
        began = _rounded(occurrence.started_at)
        length = occurrence.ended_at - occurrence.started_at
        return began, began + max(BOOKED_EVERY, round(length / BOOKED_EVERY) * BOOKED_EVERY)

    def planned_unheld(self, series: Series) -> tuple[datetime, datetime]:
        """When something was booked for that never took place."""
        assert series.only_on is not None  # noqa: S101
        began = _at(series.only_on, series.minute)
        return began, began + timedelta(minutes=series.minutes)

    def in_calendar(self, series: Series) -> bool:
        """Whether it was booked through a calendar."""
        return series.booking in ("scheduled", "recurring")

    def _unheld(self, day: date) -> tuple[Series, ...]:
        roll = self.organisation.random("unheld", day)
        if day.weekday() >= 5 or roll.random() >= UNHELD_SHARE or "teams" not in self.organisation.mix:
            return ()
        return (
            Series(
                id=f"{day}/unheld",
                booking="scheduled",
                kind="meeting",
                host=roll.choice(self.organisation.active),
                title="Postponed: quarterly planning",
                position=0,
                only_on=day,
                minute=60 * roll.randint(8, 16),
                minutes=30,
            ),
        )

    def _paired(self) -> dict[str, int]:
        """Two series each to a few channels, as far as there are some at Teams that never meet at a time."""
        channels: dict[str, int] = {}
        left = [
            one
            for one in self.organisation.series
            if one.kind == "meeting" and one.booking == "recurring" and self.organisation.vendor_of(one.id) == "teams"
        ]
        for number in range(CHANNELS):
            first = left.pop(0) if left else None
            second = next((one for one in left if first and _are_apart(first, one)), None)
            if first and second:
                left.remove(second)
                channels |= {first.id: number, second.id: number}
        return channels


def _are_apart(one: Series, other: Series) -> bool:
    if not one.weekdays & other.weekdays:
        return True
    return one.minute + one.minutes + APART <= other.minute or other.minute + other.minutes + APART <= one.minute


def _at(day: date, minute: int) -> datetime:
    return datetime.combine(day, time(), UTC) + timedelta(minutes=minute)


def _rounded(moment: datetime) -> datetime:
    late = (moment - datetime.min.replace(tzinfo=UTC)) % BOOKED_EVERY
    return moment - late + (BOOKED_EVERY if late > BOOKED_EVERY / 2 else timedelta())
