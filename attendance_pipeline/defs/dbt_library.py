"""What we use of dagster-dbt, imported as where dbt isn't installed beside Dagster.

dagster-dbt needs dbt-core itself only to read a selection, and we select nothing: dbt runs as a process of its own.
Importing it would cost more than a second in every process that Dagster starts, which are several an hour.
"""

import sys

_NEEDED = "dbt.version"

_imported = sys.modules.get(_NEEDED)
sys.modules[_NEEDED] = None  # type: ignore[assignment]
try:
    from dagster_dbt import DagsterDbtTranslator, DbtCliResource, dbt_assets
    from dagster_dbt.errors import DagsterDbtCliRuntimeError
finally:
    del sys.modules[_NEEDED]
    if _imported is not None:
        sys.modules[_NEEDED] = _imported

__all__ = ["DagsterDbtCliRuntimeError", "DagsterDbtTranslator", "DbtCliResource", "dbt_assets"]
