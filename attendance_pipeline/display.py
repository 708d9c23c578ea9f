"""What the console script shows while it works: a moving line on a terminal, a plain line now and then elsewhere."""

import sys
from time import monotonic
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

PLAIN_EVERY = 5.0
"""Seconds between two plain lines about the same thing."""


class Display:
    """Progress on standard error; standard output is left to the summary. A context manager, and callable."""

    def __init__(self) -> None:
        # As it is now: Dagster's own words on standard error are turned away while a job runs.
        self._lines = sys.stderr
        console = Console(file=sys.stderr)
        self._bar: Progress | None = None
        if console.is_terminal:
            self._bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=console,
            )
        self._tasks: dict[str, TaskID] = {}
        self._said: dict[str, float] = {}

    def __call__(self, what: str, done: int, of: int) -> None:
        """`done` of `of` are done; `of` 0 where nobody knows how many there will be."""
        if self._bar is not None:
            if what not in self._tasks:
                self._tasks[what] = self._bar.add_task(what, total=of or None)
            self._bar.update(self._tasks[what], completed=done, total=of or None)
        elif what not in self._said or monotonic() - self._said[what] > PLAIN_EVERY or (of and done == of):
            self._said[what] = monotonic()
            count = f" {done} of {of}" if of else f" {done}" if done else ""
            print(f"{what}{count}", file=self._lines, flush=True)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


def hours(seconds: float) -> str:
    """Seconds as hours, for people."""
    return f"{seconds / 3600:,.1f}"
