"""What time it is: every part that asks takes its clock from outside, so that a test can set it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """This instant, aware, in UTC."""
    return datetime.now(UTC)
