"""What the tests of the code location share: a data folder of their own, and no vendor that is on by accident."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from attendance_pipeline.definitions import defs
from attendance_pipeline.settings import Settings


def nothing_set(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """No variable of ours, and no .env."""
    patch.chdir(folder)
    for name in Settings.model_fields:
        patch.delenv(name.upper(), raising=False)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder; no vendor is on."""
    nothing_set(monkeypatch, tmp_path)
    monkeypatch.setenv("ATTENDANCE_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def instance(data: Path) -> Iterator[dg.DagsterInstance]:
    """A Dagster without any record."""
    with dg.instance_for_test() as found:
        yield found


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> dg.RepositoryDefinition:
    """The code location as it loads where nothing is set."""
    with pytest.MonkeyPatch.context() as patch:
        nothing_set(patch, tmp_path_factory.mktemp("empty"))
        return defs().get_repository_def()
