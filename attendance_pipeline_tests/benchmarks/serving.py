"""The sandbox in a process of its own, its rate limits off."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from multiprocessing import get_context
from typing import Any

RENDERED_BEFORE = 2_000_000
"""Up to so many rows the sandbox renders its reports before it is asked: it then answers faster than anybody asks."""

SETTLED_BEFORE = timedelta(hours=25)


class Served:
    """A sandbox that is asked.

    Attributes:
        settings: the environment variables that point a client at it.
    """

    def __init__(self, settings: dict[str, str], told: Any) -> None:
        self.settings = settings
        self._told = told

    def wait_so_long(self, latency: float) -> None:
        """From now on every answer waits so many seconds."""
        self._told.send(latency)
        self._told.recv()


@contextmanager
def sandbox(rows: int, days: int) -> Iterator[Served]:
    """A Zoom account with about that many participant rows in the last days, all of them settled."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(rows, days, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Served(ours.recv(), ours)
    finally:
        process.kill()
        process.join()


def _serve(rows: int, days: int, told: Any) -> None:
    from attendance_pipeline.sandbox import Sandbox, Size, ZoomOptions

    frozen = datetime.now(UTC) - SETTLED_BEFORE
    options = ZoomOptions(plan="business", rate_limits=False, history_includes_solo=True)
    sandbox = Sandbox(size=Size.of_rows(rows, days), mix={"zoom": 1}, zoom=options, clock=lambda: frozen)
    frozen = _nothing_pending(sandbox.organisation, frozen)
    if rows <= RENDERED_BEFORE:
        rendered = sandbox.zoom.reports.rows
        rendered.participants = lru_cache(maxsize=None)(rendered._participants)
        for occurrence in sandbox.organisation.ended_between(frozen.date() - timedelta(days), frozen.date()):
            rendered.participants(occurrence, registrants=True)
            rendered.summary(occurrence)
        gc.freeze()
    with sandbox:
        told.send(sandbox.settings)
        while True:
            options.latency_seconds = told.recv()
            told.send(None)


def _nothing_pending(organisation: Any, now: datetime) -> datetime:
    """The last moment up to now at which every report of an ended meeting is ready: an hour later nothing is new."""
    lately = list(organisation.ended_between(now.date() - timedelta(7), now.date()))
    while pending := [one for one in lately if one.ended_at <= now < one.report_ready_at]:
        now = min(one.ended_at for one in pending) - timedelta(seconds=1)
    return now
