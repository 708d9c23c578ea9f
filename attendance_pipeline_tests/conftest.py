"""The order of the tests."""

from pathlib import Path

import pytest

LONGEST = ("test_cli.py", "test_marts.py", "test_landing_teams.py")
"""Files that take minutes come first, so that two processes end at about the same time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; within a file nothing changes."""
    items.sort(key=lambda item: LONGEST.index(name) if (name := Path(item.path).name) in LONGEST else len(LONGEST))
