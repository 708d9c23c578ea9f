"""What a stage costs: wall and CPU seconds, the largest process, bytes.

Needs the standard library alone: in dlt's environment there is nothing of ours.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Numbers = dict[str, Any]
"""What a stage reports: `wall`, `cpu`, `peak_mb`, and what it adds: `rows`, `requests`, `bytes`."""

_WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def cpu_seconds() -> float:
    """Of this process and of those it waited for."""
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, _WHO))


def peak_mb() -> float:
    """Of the largest: this process or one that it waited for."""
    return max(resource.getrusage(who).ru_maxrss for who in _WHO) / 1024


@contextmanager
def clocked(into: Numbers) -> Iterator[None]:
    """Add what the block takes to `wall` and `cpu`."""
    began, cpu = time.perf_counter(), cpu_seconds()
    yield
    into["wall"] = into.get("wall", 0.0) + time.perf_counter() - began
    into["cpu"] = into.get("cpu", 0.0) + cpu_seconds() - cpu


def report(stage: Callable[[], Numbers]) -> None:
    """Run a stage in this process and print what it took; what it imported before is left out of the seconds."""
    took: Numbers = {}
    with clocked(took):
        found = stage()
    print(json.dumps(took | {"peak_mb": peak_mb()} | found))


def run(stage: str, module: str, environment: Mapping[str, str], python: str | Path = sys.executable) -> Numbers:
    """What a stage reports that runs in a process of its own.

    The peak of a process is never less than that of the one that started it: whoever calls this stays small.

    Raises:
        CalledProcessError: it failed; why stands in its `stderr`.
    """
    name = f"{__package__}.{module}"
    done = subprocess.run(
        [str(python), "-m", name, stage], env={**os.environ, **environment}, capture_output=True, check=True
    )
    numbers: Numbers = json.loads(done.stdout.splitlines()[-1])
    return numbers


def bytes_below(*paths: Path) -> int:
    """Of all files below these folders, or of these files."""
    files = (file for path in paths for file in ([path] if path.is_file() else path.rglob("*")))
    return sum(file.stat().st_size for file in files if file.is_file())
