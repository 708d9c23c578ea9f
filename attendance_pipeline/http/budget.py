"""One vendor account's requests per day, counted across runs and processes.

Knows a clock and a small file. Knows nothing of a vendor's paths or of what its answers mean.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from filelock import FileLock

from attendance_pipeline.clock import Clock, utc_now
from attendance_pipeline.files import Access, commit, make_folder, reading, writing
from attendance_pipeline.http.errors import QuotaError
from attendance_pipeline.vendor_json import NOT_JSON
from attendance_pipeline.windows import midnight

CLAIM = 20
CLAIMS_A_DAY = 500
"""A process takes this part of a day's requests out of its count at a time, or `CLAIM` if that is more.

A killed process leaves at most so many unspent; each claim is a file that is flushed to the disk.
"""


class _Count(msgspec.Struct):
    day: str
    spent: int


_COUNT = msgspec.json.Decoder(_Count)


class DailyBudget:
    """Requests a vendor account may still make today (UTC days).

    Args:
        file: where the count is kept, for all processes.
        limit: the account's total for a day; None where it has none.
        reserve: requests of that total that we leave to the account's other apps.
        clock: what time it is, UTC.

    Attributes:
        a_day: requests that a whole day has for us; None where the account has no limit.
    """

    def __init__(self, file: Path, limit: int | None, reserve: int, clock: Clock = utc_now) -> None:
        self.a_day = None if limit is None else max(0, limit - reserve)
        self._file = file
        self._clock = clock
        self._limit = limit
        self._day, self._claimed = self._today(), 0
        self._seen = self._kept().spent

    @property
    def left(self) -> int | None:
        """Requests left today for us; None where the account has no limit."""
        if self.a_day is None:
            return None
        claimed = self._claimed if self._day == self._today() else 0
        return max(0, self.a_day - self._kept().spent) + claimed

    def has(self, requests: int) -> bool:
        """Whether so many are left today, as far as this process knows, or are more than any day has."""
        if self.a_day is None or requests > self.a_day or self._day != self._today():
            return True
        return requests <= self._claimed + self.a_day - self._seen

    def spend(self) -> None:
        """Count one request.

        Raises:
            QuotaError: none is left today.
        """
        if self.a_day is None:
            return
        today = self._today()
        if today != self._day:
            self._day, self._claimed = today, 0
        if not self._claimed:
            self._claim(self.a_day)
        self._claimed -= 1

    def exhaust(self) -> None:
        """The vendor says that nothing is left, whoever spent it."""
        if self.a_day is None:
            return
        self._claimed = 0
        with self._counting() as count:
            count.spent = max(count.spent, self.a_day)

    def spent_up(self, resumes_at: datetime | None = None) -> QuotaError:
        """The error that ends a run whose budget is spent; vendors count by UTC day unless they say when."""
        until = resumes_at or midnight(self._clock().date() + timedelta(days=1))
        of = (
            "" if self._limit is None else f" ({self._kept().spent} of {self._limit} requests, the reserve untouched)"
        )
        return QuotaError(
            f"the day's request quota is spent{of}; what was read is kept, go on after {until:%Y-%m-%d %H:%M} UTC",
            until,
        )

    def close(self) -> None:
        """Give back what was taken out of the day's count and wasn't spent."""
        if self._claimed and self._day == self._today():
            with self._counting() as count:
                count.spent = max(0, count.spent - self._claimed)
        self._claimed = 0

    def _claim(self, usable: int) -> None:
        with self._counting() as count:
            self._claimed = max(0, min(max(CLAIM, usable // CLAIMS_A_DAY), usable - count.spent))
            count.spent += self._claimed
            self._seen = count.spent
        if not self._claimed:
            raise self.spent_up()

    @contextmanager
    def _counting(self) -> Iterator[_Count]:
        """Today's count, to be changed by nobody else meanwhile."""
        with writing(self._file):
            make_folder(self._file.parent, Access.OWNER)
            with FileLock(self._file.with_suffix(".lock"), mode=Access.OWNER.file):
                count = self._kept()
                yield count
                commit(self._file, lambda path: path.write_bytes(msgspec.json.encode(count)), Access.OWNER)

    def _kept(self) -> _Count:
        """Today's count as the file has it; a spoiled one begins anew."""
        fresh = _Count(self._today(), 0)
        if self.a_day is None:
            return fresh
        with reading(self._file, "let its owner run this, or delete it"):
            try:
                kept = _COUNT.decode(self._file.read_bytes())
            except (FileNotFoundError, NotADirectoryError, *NOT_JSON):
                return fresh
        return kept if kept.day == fresh.day else fresh

    def _today(self) -> str:
        return self._clock().date().isoformat()
