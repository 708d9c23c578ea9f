"""What vendors' ids are made of: digests, and numbers that carry the day of what they name.

So an id that a client stored months ago is found again without going through a year of meetings.
"""

import hashlib
from datetime import date

# day numbers count from here and fit four digits until 2037
FIRST_DAY = date(2010, 1, 1).toordinal()
DAYS = 10_000

# multipliers without a common factor with their modulus: different in, different out
DAY_STEP = 7_919
ONE_OFF_STEP = 271_829
RECURRING_STEP = 3_141_592_653
PERSONAL_STEP = 314_159_261


class Codes:
    """Derives the parts of one vendor's ids from one organisation's seed."""

    def __init__(self, seed: int, *salt: str) -> None:
        self._prefix = (seed, *salt)
        self._offset = int.from_bytes(self.digest(4, "numbers"))

    def digest(self, size: int, *about: object) -> bytes:
        """So many bytes that look like dice and say what they're about."""
        text = "|".join(map(str, (*self._prefix, *about)))
        return hashlib.blake2b(text.encode(), digest_size=size).digest()

    def personal(self, position: int) -> int:
        """Up to nine digits, different for each position."""
        return (position * PERSONAL_STEP + self._offset) % 10**9

    def recurring(self, position: int) -> int:
        """Up to ten digits, different for each position."""
        return (position * RECURRING_STEP + self._offset) % 10**10

    def one_off(self, day: date, position: int) -> int:
        """Up to ten digits, different for each day and position; all but the last six are the day."""
        code = self.day_code(day)
        return code * 10**6 + (position * ONE_OFF_STEP + self._offset + code) % 10**6

    def day_code(self, day: date) -> int:
        """Up to four digits that hide a day."""
        return (day.toordinal() - FIRST_DAY) * DAY_STEP % DAYS

    def day_coded(self, code: int) -> date:
        """The day that these digits hide."""
        return date.fromordinal(FIRST_DAY + code * pow(DAY_STEP, -1, DAYS) % DAYS)

    def hide(self, day: date, dice: bytes, size: int) -> bytes:
        """The day as so many bytes that only whoever has the dice can read."""
        return ((day.toordinal() - FIRST_DAY) ^ self._mask(dice, size)).to_bytes(size)

    def hidden(self, raw: bytes, dice: bytes) -> date | None:
        """The day that these bytes hide, None if it's out of all bounds."""
        number = int.from_bytes(raw) ^ self._mask(dice, len(raw))
        return date.fromordinal(FIRST_DAY + number) if number < DAYS else None

    def _mask(self, dice: bytes, size: int) -> int:
        return int.from_bytes(self.digest(size, "mask", dice.hex()))
