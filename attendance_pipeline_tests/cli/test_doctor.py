"""`doctor --alert`: one message through each channel, and what became of it."""

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from attendance_pipeline.settings import Settings
from attendance_pipeline_tests.console import called
from attendance_pipeline_tests.hostile_server import HostileServer, said
from attendance_pipeline_tests.mailbox import Mailbox

Doctor = Callable[[], tuple[int, str, str]]


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)

    def alert() -> tuple[int, str, str]:
        code = called("doctor", "--alert")
        return code, *capsys.readouterr()

    return alert


def test_it_says_what_to_set_where_nobody_would_be_told(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, error = doctor()
    assert code == 2
    assert error.startswith(
        "attendance-pipeline: alerts are off: ATTENDANCE_ALERT_WEBHOOK, or ATTENDANCE_ALERT_EMAIL"
    )

    monkeypatch.setenv("ATTENDANCE_ALERT_WEBHOOK", "https://hooks.acme.test/x")
    monkeypatch.setenv("ATTENDANCE_ALERT_EMAIL", "ops@acme.test")
    assert doctor() == (2, "", "attendance-pipeline: no mail: ATTENDANCE_SMTP_URL not set\n")


def test_each_channel_gets_a_message_and_one_that_fails_is_told_without_its_address(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with HostileServer(tmp_path) as hook, Mailbox() as box:
        monkeypatch.setenv("ATTENDANCE_ALERT_WEBHOOK", f"http://127.0.0.1:{hook.port}/services/made-up")
        monkeypatch.setenv("ATTENDANCE_ALERT_EMAIL", "ops@acme.test")
        monkeypatch.setenv("ATTENDANCE_SMTP_URL", f"smtp://127.0.0.1:{box.port}")
        hook.answers({})
        well = doctor()
        (heard,) = hook.heard()
        hook.answers({"/services": said(404)})
        refused = doctor()

    assert well == (0, "webhook: sent\nmail: sent\n", "")
    assert json.loads(heard.body)["text"].startswith("A test message\n")
    assert refused == (
        1,
        "webhook: the webhook answered 404; check ATTENDANCE_ALERT_WEBHOOK\nmail: sent\n",
        "",
    )
    assert len(box.mails) == 2


def test_no_vendor_is_asked_meanwhile(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as vendor, Mailbox() as box:
        vendor.settimeout(0)
        for name in ("ZOOM_ACCOUNT_ID", "ZOOM_CLIENT_ID", "ZOOM_CLIENT_SECRET"):
            monkeypatch.setenv(name, "made-up")
        monkeypatch.setenv("ZOOM_TOKEN_URL", f"http://127.0.0.1:{vendor.getsockname()[1]}/token")
        monkeypatch.setenv("ATTENDANCE_ALERT_EMAIL", "ops@acme.test")
        monkeypatch.setenv("ATTENDANCE_SMTP_URL", f"smtp://127.0.0.1:{box.port}")

        assert doctor() == (0, "mail: sent\n", "")
        with pytest.raises(BlockingIOError):
            vendor.accept()
