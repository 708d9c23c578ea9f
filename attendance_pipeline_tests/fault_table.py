"""The fault matrix as a table in the test report: fault × vendor → outcome."""

import shutil
from collections.abc import Iterable
from io import StringIO

import pytest
from rich.console import Console
from rich.table import Column, Table

CELL = "fault × vendor → outcome"
"""The property of a test that holds its fault, its vendor and what came of it."""
VENDORS = ("zoom", "webex", "teams")
WIDEST = 118


def fault_table(reports: Iterable[pytest.TestReport]) -> str:
    """A line per fault, a column per vendor; what failed is marked. Empty if no test of a fault ran."""
    cells: dict[str, dict[str, str]] = {}
    for report in reports:
        for name, cell in report.user_properties:
            if name == CELL:
                fault, vendor, outcome = cell
                cells.setdefault(fault, {})[vendor] = f"FAILED: {outcome}" if report.failed else outcome
    if not cells:
        return ""
    told = {vendor for of_fault in cells.values() for vendor in of_fault}
    vendors = [vendor for vendor in VENDORS if vendor in told]
    table = Table("fault", *(Column(vendor, overflow="fold") for vendor in vendors))
    for fault, of_fault in sorted(cells.items()):
        table.add_row(fault, *(of_fault.get(vendor, "") for vendor in vendors))
    width = min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)
    text = StringIO()
    Console(file=text, width=width, highlight=False).print(table)
    return text.getvalue()
