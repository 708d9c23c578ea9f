"""What the papers say is what the code does."""

import re
import subprocess

import pytest

from attendance_pipeline.cli import commands
from attendance_pipeline.settings import PROJECT, Settings

README = (PROJECT / "README.md").read_text()
EXAMPLE = (PROJECT / ".env.example").read_text()


def test_every_setting_is_documented_and_no_other() -> None:
    documented = re.findall(r"^([A-Z_]+)=", EXAMPLE, re.MULTILINE)

    assert documented == list(dict.fromkeys(documented))
    assert set(documented) == {name.upper() for name in Settings.model_fields}


def test_documented_defaults_are_the_defaults() -> None:
    defaults = {name.upper(): field.default for name, field in Settings.model_fields.items()}

    for name, value in re.findall(r"^([A-Z_]+)=(.+)$", EXAMPLE, re.MULTILINE):
        assert str(defaults[name]) == value


def test_the_readme_names_every_command_and_every_make_target_it_uses() -> None:
    makefile = (PROJECT / "Makefile").read_text()

    assert [name for name in commands.commands if f"| `{name}" not in README] == []
    targets = set(re.findall(r"(?:^|`)make (\w+)", README, re.MULTILINE))
    assert targets >= {"demo", "test", "dev"}
    assert [target for target in targets if f"\n{target}:" not in makefile] == []


def test_ci_runs_what_the_readme_says() -> None:
    assert "make test" in (PROJECT / ".ci" / "run").read_text()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_the_locks_have_hashes_and_no_host(name: str) -> None:
    lock = (PROJECT / name).read_text()

    assert lock.count("==") > 100
    assert lock.count("--hash=sha256:") >= lock.count("==")
    assert "://" not in lock
    (dbt,) = re.findall(r"^dbt-core==([\d.]+)", lock, re.MULTILINE)
    assert tuple(map(int, dbt.split("."))) < (1, 12)


def test_the_tests_run_on_what_the_pipeline_runs_on() -> None:
    run, tested = (
        set(re.findall(r"^([\w.-]+)(?:\[[^]]*\])?(==\S+)", (PROJECT / name).read_text(), re.MULTILINE))
        for name in ("requirements.lock", "requirements-dev.lock")
    )

    assert run <= tested


def test_only_the_agreed_files_lie_at_the_top() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"],  # noqa: S607 - the repository's own git
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    top = {line.split("/")[0] for line in tracked.stdout.splitlines()}

    assert {name for name in top if not name.startswith(".")} == {
        "Makefile",
        "README.md",
        "attendance_pipeline",
        "attendance_pipeline_tests",
        "dagster.yaml",
        "dbt_project",
        "pyproject.toml",
        "requirements-dev.lock",
        "requirements.lock",
        "workspace.yaml",
    }
