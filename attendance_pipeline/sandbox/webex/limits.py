"""Webex's rate limit: so many requests of one token owner in any window that slides with real time."""

import math
import time
from collections import deque
from collections.abc import Callable

from attendance_pipeline.sandbox.webex.options import WebexOptions
from attendance_pipeline.sandbox.wire import Answer

BODY = b"<html><head><title>429 Too Many Requests</title></head><body>Too Many Requests</body></html>\n"


class Limiter:
    """Counts the requests of all tokens together: one administrator owns them.

    A refused request doesn't count.
    """

    def __init__(self, options: WebexOptions, timer: Callable[[], float] = time.monotonic) -> None:
        self.options = options
        self._timer = timer
        self._admitted: deque[float] = deque()

    def refusal(self) -> Answer | None:
        """Counts one request; 429 if it's one too many."""
        now, window = self._timer(), self.options.rate_window_seconds
        while self._admitted and self._admitted[0] <= now - window:
            self._admitted.popleft()
        if self.options.rate_limits and len(self._admitted) >= self.options.rate_limit:
            # room again once as many have left as are too many
            leaving = self._admitted[len(self._admitted) - self.options.rate_limit]
            wait = math.ceil(leaving + window - now)
            return Answer(429, BODY, headers={"Retry-After": str(wait)}, content_type="text/html")
        self._admitted.append(now)
        return None
