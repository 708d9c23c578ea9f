"""The order of the tests, and what the report tells beside passed and failed."""

from pathlib import Path

import pytest

from .fault_table import fault_table

LONGEST = ("test_cli.py", "test_marts.py", "test_landing_teams.py")
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
