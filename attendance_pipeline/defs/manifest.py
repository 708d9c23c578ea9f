"""The dbt project as the code location knows it: a slim manifest and its columns, made by `make manifest`, committed.

Parsing dbt at every load would cost seconds in every process that Dagster starts.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from attendance_pipeline.dbt import DBT, DBT_PROJECT, MANIFEST
from attendance_pipeline.defs.columns import COLUMNS, Described
from attendance_pipeline.defs.describing import describe
from attendance_pipeline.lake import Lake
from attendance_pipeline.loading import load
from attendance_pipeline.vendors import VENDORS

_NOT_LOOKED_AT = ("macros", "unit_tests", "docs", "disabled")
_OF_COMPILING = ("compiled", "compiled_code", "compiled_path", "extra_ctes", "extra_ctes_injected")
_CHANGES_EVERY_TIME = ("generated_at", "invocation_id", "invocation_started_at", "run_started_at", "user_id")


def project() -> tuple[dict[str, Any], Described]:
    """The manifest without macros, paths and times, so that it only changes with the project; and every column.

    Raises:
        CalledProcessError: dbt can't parse the project; dbt's words are on the standard output.
    """
    tables = [table for vendor in VENDORS.values() for table in vendor.tables()]
    with TemporaryDirectory() as folder:
        build = Path(folder) / "build.duckdb"
        load(Lake(Path(folder) / "lake"), build, tables)
        places = {"DBT_TARGET_PATH": folder, "DBT_LOG_PATH": folder, "ATTENDANCE_BUILD": str(build)}
        subprocess.run(  # noqa: S603 - our own dbt on our own project
            [DBT, "compile", "--project-dir", DBT_PROJECT, "--profiles-dir", DBT_PROJECT, "--no-partial-parse"],
            check=True,
            env=os.environ | places,
            stdout=sys.stderr,
        )
        manifest: dict[str, Any] = json.loads((Path(folder) / "manifest.json").read_text())
        with duckdb.connect(build) as connection:
            columns = describe(manifest, connection, tables)
    return _slim(manifest), columns


def _slim(manifest: dict[str, Any]) -> dict[str, Any]:
    manifest |= dict.fromkeys(_NOT_LOOKED_AT, {})
    for nodes in ("nodes", "sources", "exposures", "metrics", "semantic_models", "saved_queries"):
        for node in manifest[nodes].values():
            for name in (*_OF_COMPILING, "root_path", "created_at", "unrendered_config"):
                node.pop(name, None)
    for kin in ("parent_map", "child_map"):
        manifest[kin] = {
            node: [other for other in others if not other.startswith("unit_test.")]
            for node, others in manifest[kin].items()
            if not node.startswith("unit_test.")
        }
    for name in _CHANGES_EVERY_TIME:
        manifest["metadata"].pop(name, None)
    return manifest


def text(manifest: dict[str, Any]) -> str:
    """The manifest as it is committed."""
    return json.dumps(manifest, sort_keys=True, indent=None, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    made, columns = project()
    MANIFEST.write_text(text(made))
    COLUMNS.write_text(columns.text())
