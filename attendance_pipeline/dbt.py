"""How dbt is called on our dbt project: with which settings, and what its models are made by.

Knows dbt's command line and nothing of Dagster. dbt runs as a process of its own, one at a time on a build file.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from attendance_pipeline.errors import StorageError, UsageError
from attendance_pipeline.files import commit, make_folder, writing
from attendance_pipeline.settings import PROJECT, Settings
from attendance_pipeline.warehouse import building

DBT_PROJECT = PROJECT / "dbt_project"
MANIFEST = DBT_PROJECT / "manifest.json"
"""The committed manifest, which the code location reads; `defs/manifest.py` makes it."""
DBT = Path(sys.executable).with_name("dbt")
"""Beside the interpreter: an environment that isn't activated has no dbt on its PATH."""


def environment(settings: Settings) -> dict[str, str]:
    """What the dbt profile reads from the environment."""
    return {
        "ATTENDANCE_BUILD": str(settings.build),
        "ATTENDANCE_BUILD_MEMORY": settings.attendance_build_memory,
    }


def variables(settings: Settings) -> list[str]:
    """The arguments that give dbt the variables set in the environment."""
    return ["--vars", json.dumps(settings.dbt_vars, sort_keys=True)] if settings.dbt_vars else []


def recipe(settings: Settings) -> str:
    """What tells one way of making the models from another: the dbt project's files and the variables given to it."""
    made_by = hashlib.sha256(json.dumps(variables(settings)).encode())
    files = [file for folder in ("macros", "models") for file in (DBT_PROJECT / folder).rglob("*.*")]
    for file in [DBT_PROJECT / "dbt_project.yml", *sorted(files)]:
        # a model of another name is another table
        made_by.update(str(file.relative_to(DBT_PROJECT)).encode())
        made_by.update(file.read_bytes())
    return made_by.hexdigest()


def target(settings: Settings) -> Path:
    """One folder for all builds, as only one is at work: dbt finds there what it parsed the last time."""
    return settings.data / "dbt"


def write_docs(settings: Settings) -> Path:
    """One HTML page of every model, column, metric and exposure, by dbt; returns where it is.

    Raises:
        UsageError: nothing has been built yet.
        BusyError: a run is loading, building or publishing.
        StorageError: dbt can't make it.
    """
    if not settings.build.exists():
        raise UsageError(f"{settings.build} isn't there: nothing has been built yet; run or demo does")
    page, made = settings.data / "docs" / "index.html", target(settings)
    with building(settings.build):
        places = {"project-dir": DBT_PROJECT, "profiles-dir": DBT_PROJECT, "target-path": made, "log-path": made}
        done = subprocess.run(  # noqa: S603 - our own dbt on our own project
            [str(DBT), "--quiet", "docs", "generate", "--static", *variables(settings)]
            + [part for name, place in places.items() for part in (f"--{name}", str(place))],
            check=False,
            env=os.environ | environment(settings),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise StorageError(f"dbt couldn't write its docs; its log is {made / 'dbt.log'}")
        with writing(page):
            make_folder(page.parent)
        commit(page, lambda path: path.write_bytes((made / "static_index.html").read_bytes()))
    return page
