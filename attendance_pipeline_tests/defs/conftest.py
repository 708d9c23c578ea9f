"""What the tests of the code location share: a data folder of their own, and no vendor that is on by accident."""

from pathlib import Path

import pytest

from attendance_pipeline.settings import Settings


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder; no vendor is on."""
    monkeypatch.chdir(tmp_path)
    for name in (name.upper() for name in Settings.model_fields):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ATTENDANCE_DATA", str(tmp_path))
    return tmp_path
