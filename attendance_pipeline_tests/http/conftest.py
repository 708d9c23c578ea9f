import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from attendance_pipeline.http import session as session_module
from attendance_pipeline.http.budget import DailyBudget
from attendance_pipeline.http.pacing import Pacer, Rate
from attendance_pipeline.http.session import Session

from .local_vendor import NOW, Sessions, bearer


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def budget(tmp_path: Path) -> DailyBudget:
    return DailyBudget(tmp_path / "today.json", limit=1_000, reserve=100, clock=lambda: NOW)


@pytest.fixture
def session(budget: DailyBudget, monkeypatch: pytest.MonkeyPatch) -> Sessions:
    """Pauses between attempts last no time."""
    monkeypatch.setattr(session_module, "_backoff", lambda failed: timedelta(milliseconds=failed))

    def make(url: str, token_url: str, **changes: Any) -> Session:
        arguments: dict[str, Any] = {
            "vendor": "acme",
            "base_url": url,
            "auth": bearer(token_url),
            "pacer": Pacer({"heavy": Rate(1, 1e-4), "light": Rate(1, 1e-4)}, budget, frozenset({"heavy"})),
            "day_is_spent": lambda headers, _: headers.get("x-limit") == "daily",
            "clock": lambda: NOW,
        }
        return Session(**arguments | changes)

    return make
