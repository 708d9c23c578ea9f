"""In which groups assets stand, whose they are and what they are made with: said once, for the whole graph."""

import re

from attendance_pipeline.vendors import VENDORS

ENGINEERS = "team:data-engineers"
ANALYSTS = "team:analysts"

_OF_ANALYSTS = {"marts", "metrics"}
_OF_A_VENDOR = re.compile(rf"_({'|'.join(VENDORS)})_")

LAKE_KINDS = {"parquet"}
WAREHOUSE_KINDS = {"duckdb"}


def owners(group: str) -> list[str]:
    """Who answers for the assets of a group."""
    return [ANALYSTS if group in _OF_ANALYSTS else ENGINEERS]


def vendor_tags(model: str) -> dict[str, str]:
    """The vendor of a dbt model, by its name, if it is of one alone: `stg_zoom__meetings`, `int_teams_intervals`."""
    found = _OF_A_VENDOR.search(model)
    return {"vendor": found[1]} if found else {}
