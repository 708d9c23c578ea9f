"""Graph's rate limits: so many requests of one kind in any window that slides with real time."""

import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from attendance_pipeline.sandbox.teams.options import TeamsOptions


class Limit(NamedTuple):
    """Requests in seconds."""

    requests: int
    seconds: float


# page "Microsoft Graph service-specific throttling limits"; meetings and their reports have none published
LIMITS = {
    "call-records-list": Limit(40, 20),
    "call-record": Limit(40, 20),
    "virtual-events": Limit(750, 30),
}


class Limiter:
    """Counts requests by label; refused ones count too ("throttled requests still accrue")."""

    def __init__(self, options: TeamsOptions, timer: Callable[[], float] = time.monotonic) -> None:
        self.options = options
        self._timer = timer
        self._asked: dict[str, deque[float]] = {label: deque() for label in LIMITS}

    def wait(self, label: str) -> float:
        """Counts one request; how many seconds it's too early, 0 if it isn't."""
        if label not in LIMITS:
            return 0
        limit, asked, now = LIMITS[label], self._asked[label], self._timer()
        while asked and asked[0] <= now - limit.seconds:
            asked.popleft()
        asked.append(now)
        if not self.options.rate_limits or len(asked) <= limit.requests:
            return 0
        return asked[len(asked) - limit.requests] + limit.seconds - now
