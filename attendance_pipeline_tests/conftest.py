"""The order of the tests, and what the report tells beside passed and failed."""

import os
import shutil
from pathlib import Path

import pytest

from .fault_table import fault_table

MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of its own there, as it would in /tmp
ROOM = 4 * 2**30

# Thousands of small files are flushed to the disk one by one; in memory a fifth of the time is saved.
if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

# Each dbt build would write megabytes of debug log that nobody reads.
os.environ.setdefault("DBT_LOG_LEVEL_FILE", "info")

LONGEST = (
    "test_deployment.py",
    "test_cli.py",
    "test_publishing.py",
    "test_catalogue.py",
    "test_crashes.py",
    "test_faults.py",
    "test_marts.py",
    "test_quarantine.py",
    "test_landing_teams.py",
)
"""Files that take minutes come first, so that two processes end at about the same time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; within a file nothing changes."""
    items.sort(key=lambda item: LONGEST.index(name) if (name := Path(item.path).name) in LONGEST else len(LONGEST))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the fault matrix if any of it was tested."""
    told = [one for outcome in ("passed", "failed") for one in terminalreporter.getreports(outcome)]
    if table := fault_table(told):
        terminalreporter.section("fault matrix")
        terminalreporter.write_line(table)
