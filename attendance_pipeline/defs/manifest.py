"""The dbt project as the code location knows it: a slim manifest, made by `make manifest` and committed.

Parsing dbt at every load would cost seconds in every process that Dagster starts.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attendance_pipeline.dbt import DBT, DBT_PROJECT

MANIFEST = DBT_PROJECT / "manifest.json"

_NOT_LOOKED_AT = ("macros", "unit_tests", "docs", "disabled")
_CHANGES_EVERY_TIME = ("generated_at", "invocation_id", "invocation_started_at", "run_started_at", "user_id")


def parse() -> dict[str, Any]:
    """Parse the dbt project; the manifest without macros, paths and times, so that it only changes with the project.

    Raises:
        CalledProcessError: dbt can't parse the project; dbt's words are on the standard output.
    """
    with TemporaryDirectory() as folder:
        subprocess.run(  # noqa: S603 - our own dbt on our own project
            [DBT, "parse", "--project-dir", DBT_PROJECT, "--profiles-dir", DBT_PROJECT, "--no-partial-parse"],
            check=True,
            env=os.environ | {"DBT_TARGET_PATH": folder, "DBT_LOG_PATH": folder},
            stdout=sys.stderr,
        )
        manifest: dict[str, Any] = json.loads((Path(folder) / "manifest.json").read_text())
    manifest |= dict.fromkeys(_NOT_LOOKED_AT, {})
    for nodes in ("nodes", "sources", "exposures", "metrics", "semantic_models", "saved_queries"):
        for node in manifest[nodes].values():
            for name in ("root_path", "created_at", "unrendered_config"):
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
    MANIFEST.write_text(text(parse()))
