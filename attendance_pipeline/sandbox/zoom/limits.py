"""Zoom's rate limits: calls per second by label, and heavy calls per UTC day."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day

from attendance_pipeline.sandbox.wire import Answer, json_answer
from attendance_pipeline.sandbox.zoom.options import ZoomOptions

# of Zoom's page "Rate limits" (February 2026); account-wide, whichever app calls
PER_SECOND = {
    "pro": {"LIGHT": 30, "MEDIUM": 20, "HEAVY": 10},
    "business": {"LIGHT": 80, "MEDIUM": 60, "HEAVY": 40},
}
HEAVY_PER_DAY = {"pro": 30_000, "business": 60_000}

CATEGORY = {"LIGHT": "Light", "MEDIUM": "Medium", "HEAVY": "Heavy"}

PER_SECOND_TEXT = "You have reached the maximum per-second rate limit for this API. Try again later."
DAILY_TEXT = (
    "You have reached the maximum daily rate limit for this API. Refer to the response header for details"
    " on when you can make another request."
)


class Limiter:
    """Counts calls in whole seconds of real time and, for heavy ones, in UTC days of the sandbox's clock.

    A call refused by one limit doesn't count against the other.
    """

    def __init__(self, options: ZoomOptions, now: Callable[[], datetime]) -> None:
        self.options = options
        self.now = now
        self._second: dict[str, tuple[int, int]] = {}
        self._day = (now().date(), 0)

    def admit(self, label: str) -> tuple[Answer | None, dict[str, str]]:
        """Counts one call: the refusal, if it's one too many, and the headers for whatever is answered.

        Header names come in mixed case, as they do from Zoom.
        """
        per_second, per_day = self._limits(label)
        used, used_today = self._used(label)
        headers = {
            "X-RateLimit-Category": CATEGORY[label],
            "x-ratelimit-limit": str(per_second),
            "X-Ratelimit-Remaining": str(max(0, per_second - used - 1)),
        }
        if self.options.rate_limits and label == "HEAVY" and used_today >= per_day:
            refusal = day_is_spent(per_day, self.now())
            return refusal, headers | refusal.headers
        if self.options.rate_limits and used >= per_second:
            headers["X-RateLimit-Type"] = "QPS"
            return json_answer(429, {"code": 429, "message": PER_SECOND_TEXT}, label=label), headers
        self._count(label, used + 1, used_today + 1)
        return None, headers

    def _limits(self, label: str) -> tuple[int, int]:
        plan = self.options.plan
        daily = self.options.daily_limit
        return PER_SECOND[plan][label], HEAVY_PER_DAY[plan] if daily is None else daily

    def _used(self, label: str) -> tuple[int, int]:
        second, used = self._second.get(label, (0, 0))
        day, used_today = self._day
        return (
            used if second == int(time.monotonic()) else 0,
            used_today if day == self.now().date() else 0,
        )

    def _count(self, label: str, used: int, used_today: int) -> None:
        self._second[label] = (int(time.monotonic()), used)
        if label == "HEAVY":
            self._day = (self.now().date(), used_today)


def day_is_spent(per_day: int, now: datetime) -> Answer:
    """The refusal of a heavy call that is one too many for its UTC day."""
    midnight = datetime.combine(now.date() + timedelta(days=1), time_of_day(), UTC)
    answer = json_answer(429, {"code": 429, "message": DAILY_TEXT}, label="HEAVY")
    answer.headers.update(
        {
            "X-RateLimit-Type": "Daily-limit",
            "x-ratelimit-limit": str(per_day),
            "X-Ratelimit-Remaining": "0",
            "retry-after": midnight.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    )
    return answer
