"""Messages on their way to real servers on this machine; and what errors may tell of those."""

import json
import logging
import re
import socket
import ssl
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from attendance_pipeline import channels as module
from attendance_pipeline.channels import Channel, DeliveryError, channels, why_no_mail, why_off
from attendance_pipeline.settings import Settings

from .hostile_server import HostileServer, said
from .mailbox import Mailbox
from .test_certificates import Authority

SECRET = "made-up/secret"
PASSWORD = "made-up: pass/word@"
QUOTED = "made-up%3A%20pass%2Fword%40"
TEAM = "ops@acme.test,oncall@acme.test"
TLS = {"smtps": "tls", "smtp": "starttls"}
TITLE, MESSAGE = (
    "zoom_meetings failed",
    "zoom_meetings failed\nzoom answered 503 <!channel> & more\nhttp://127.0.0.1/r/1",
)


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def hook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileServer]:
    with HostileServer(tmp_path_factory.mktemp("hook")) as server:
        yield server


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def believing(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "authorities.pem").write_bytes(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authorities.pem"))


def context(authority: Authority, folder: Path, host: str = "127.0.0.1") -> ssl.SSLContext:
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(authority.server(folder, x509.IPAddress(ip_address(host))))
    return found


def set_up(monkeypatch: pytest.MonkeyPatch, **values: str) -> Channel:
    for name, value in values.items():
        monkeypatch.setenv(f"ATTENDANCE_{name}", value)
    (channel,) = channels(Settings.load())
    return channel


def mail(monkeypatch: pytest.MonkeyPatch, url: str) -> Channel:
    return set_up(monkeypatch, ALERT_EMAIL=TEAM, SMTP_URL=url)


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def test_nobody_is_told_until_somebody_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert channels(Settings.load()) == []
    assert "ATTENDANCE_ALERT_WEBHOOK, or ATTENDANCE_ALERT_EMAIL, ATTENDANCE_SMTP_URL not set" in why_off(
        Settings.load()
    )

    monkeypatch.setenv("ATTENDANCE_ALERT_EMAIL", TEAM)
    assert why_off(Settings.load()).startswith("alerts are off: ATTENDANCE_SMTP_URL not set")

    monkeypatch.setenv("ATTENDANCE_ALERT_WEBHOOK", f"https://hooks.acme.test/{SECRET}")
    assert why_off(Settings.load()) == ""
    assert why_no_mail(Settings.load()) == "no mail: ATTENDANCE_SMTP_URL not set"
    assert [channel.name for channel in channels(Settings.load())] == ["webhook"]

    monkeypatch.setenv("ATTENDANCE_SMTP_URL", "smtp://mail.acme.test")
    assert why_no_mail(Settings.load()) == ""
    assert [channel.name for channel in channels(Settings.load())] == ["webhook", "mail"]


def test_a_mail_server_alone_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTENDANCE_SMTP_URL", "smtp://mail.acme.test")

    assert channels(Settings.load()) == []
    assert why_no_mail(Settings.load()) == ""


def test_no_channel_shows_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTENDANCE_ALERT_WEBHOOK", f"https://hooks.acme.test/{SECRET}")
    monkeypatch.setenv("ATTENDANCE_ALERT_EMAIL", TEAM)
    monkeypatch.setenv("ATTENDANCE_SMTP_URL", f"smtp://ops:{QUOTED}@mail.acme.test")

    shown = repr(channels(Settings.load())) + repr(Settings.load())

    assert not re.search(f"{SECRET}|{QUOTED}|ops@|oncall@", shown)


def test_a_webhook_gets_json_that_slack_shows_and_nobody_logs_its_address(
    monkeypatch: pytest.MonkeyPatch, hook: HostileServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hook.answers({})
    channel = set_up(monkeypatch, ALERT_WEBHOOK=f"http://127.0.0.1:{hook.port}/services/{SECRET}")

    assert channel.send(TITLE, MESSAGE) == ""

    (heard,) = hook.heard()
    assert (heard.method, heard.target) == ("POST", f"/services/{SECRET}")
    assert heard.headers["content-type"] == "application/json"
    assert json.loads(heard.body) == {
        "text": "zoom_meetings failed\nzoom answered 503 &lt;!channel&gt; &amp; more\nhttp://127.0.0.1/r/1"
    }
    assert SECRET not in caplog.text


@pytest.mark.parametrize("status", [302, 404, 429, 500])
def test_a_webhook_that_refuses_is_told_by_its_status_alone(
    monkeypatch: pytest.MonkeyPatch, hook: HostileServer, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    elsewhere = f"http://127.0.0.1:{hook.port}/elsewhere"
    hook.answers({"/services": said(status, {"error": SECRET}, Location=elsewhere)})
    channel = set_up(monkeypatch, ALERT_WEBHOOK=f"http://127.0.0.1:{hook.port}/services/{SECRET}")

    with pytest.raises(DeliveryError, match=f"the webhook answered {status}") as raised:
        channel.send(TITLE, MESSAGE)

    assert len(hook.heard()) == 1
    assert SECRET not in f"{raised.value} {raised.value.__cause__} {caplog.text}"


def test_a_webhook_that_cannot_be_reached_or_stays_silent_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port, why in ((free_port(), "ConnectError"), (silent.getsockname()[1], "ReadTimeout")):
            channel = set_up(monkeypatch, ALERT_WEBHOOK=f"http://127.0.0.1:{port}/services/{SECRET}")
            with pytest.raises(DeliveryError) as raised:
                channel.send(TITLE, MESSAGE)
            assert str(raised.value) == f"the webhook can't be reached ({why})"


def test_a_webhook_without_a_certificate_that_proves_it_hears_nothing(
    monkeypatch: pytest.MonkeyPatch, authority: Authority, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    certificate = authority.server(tmp_path, x509.IPAddress(ip_address("127.0.0.1")))
    with HostileServer(tmp_path, certificate) as server:
        server.answers({})
        channel = set_up(monkeypatch, ALERT_WEBHOOK=f"https://127.0.0.1:{server.port}/services/{SECRET}")
        with pytest.raises(DeliveryError, match="ConnectError"):
            channel.send(TITLE, MESSAGE)
        unheard = server.heard()
        request.getfixturevalue("believing")
        channel.send(TITLE, MESSAGE)
        heard = server.heard()

    assert (unheard, len(heard)) == ([], 1)


def test_mail_goes_to_everyone_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with Mailbox() as box:
        assert mail(monkeypatch, f"smtp://127.0.0.1:{box.port}").send(TITLE, MESSAGE) == ""

    (got,) = box.mails
    assert got["Subject"] == "[attendance pipeline] zoom_meetings failed"
    assert (got["From"], got["To"]) == ("ops@acme.test", "ops@acme.test, oncall@acme.test")
    assert got["Auto-Submitted"] == "auto-generated"
    assert got["Message-ID"].endswith("@acme.test>")
    assert parsedate_to_datetime(got["Date"]).year >= 2026
    assert got.get_content().splitlines() == MESSAGE.splitlines()
    assert box.recipients == [TEAM.split(",")]


def test_mail_is_from_whom_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTENDANCE_ALERT_EMAIL_FROM", "pipeline@acme.test")
    with Mailbox() as box:
        mail(monkeypatch, f"smtp://localhost:{box.port}").send(TITLE, MESSAGE)

    assert box.mails[0]["From"] == "pipeline@acme.test"


@pytest.mark.usefixtures("believing")
@pytest.mark.parametrize(("scheme", "host"), [("smtps", "127.0.0.1"), ("smtp", "127.0.0.2")])
def test_a_password_travels_under_tls_alone(
    monkeypatch: pytest.MonkeyPatch, authority: Authority, tmp_path: Path, scheme: str, host: str
) -> None:
    """127.0.0.2 stands for any other host: the settings take only the usual names for this machine."""
    tls = context(authority, tmp_path, host)
    user = ("ops@acme.test", PASSWORD)
    with Mailbox(
        host, user, tls=tls if scheme == "smtps" else None, starttls=tls if scheme == "smtp" else None
    ) as box:
        mail(monkeypatch, f"{scheme}://ops%40acme.test:{QUOTED}@{host}:{box.port}").send(TITLE, MESSAGE)

    assert box.logins == [user]
    assert len(box.mails) == 1


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_mail_server_whose_certificate_proves_nothing_hears_no_password(
    monkeypatch: pytest.MonkeyPatch, authority: Authority, tmp_path: Path, scheme: str
) -> None:
    """Nobody here knows the authority."""
    host = "127.0.0.2"
    with (
        Mailbox(host, ("u", "p"), **{TLS[scheme]: context(authority, tmp_path, host)}) as box,
        pytest.raises(DeliveryError, match=r"127\.0\.0\.2 can't be reached \(SSLCertVerificationError\)"),
    ):
        mail(monkeypatch, f"{scheme}://u:p@{host}:{box.port}").send(TITLE, MESSAGE)

    assert (box.logins, box.mails) == ([], [])


def test_a_mail_server_elsewhere_that_offers_no_tls_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with Mailbox("127.0.0.2") as box, pytest.raises(DeliveryError, match="doesn't offer what is needed"):
        mail(monkeypatch, f"smtp://127.0.0.2:{box.port}").send(TITLE, MESSAGE)

    assert box.mails == []


@pytest.mark.parametrize(
    ("password", "why"),
    [(QUOTED, "refuses user and password (535)"), ("p%C3%A4ss", "can't be given a user or password beyond ASCII")],
)
def test_a_wrong_password_is_told_without_it(monkeypatch: pytest.MonkeyPatch, password: str, why: str) -> None:
    with Mailbox(user=("ops", "another")) as box, pytest.raises(DeliveryError) as raised:
        mail(monkeypatch, f"smtp://ops:{password}@127.0.0.1:{box.port}").send(TITLE, MESSAGE)

    assert str(raised.value) == f"the mail server 127.0.0.1 {why}; check ATTENDANCE_SMTP_URL"
    assert raised.value.__suppress_context__


def test_of_refused_recipients_the_number_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with Mailbox(refused=("oncall@acme.test",)) as box:
        note = mail(monkeypatch, f"smtp://127.0.0.1:{box.port}").send(TITLE, MESSAGE)
    assert note == "the mail server refuses 1 of 2 recipients"
    assert box.recipients == [["ops@acme.test"]]

    with (
        Mailbox(refused=tuple(TEAM.split(","))) as box,
        pytest.raises(DeliveryError, match="refuses every recipient") as raised,
    ):
        mail(monkeypatch, f"smtp://127.0.0.1:{box.port}").send(TITLE, MESSAGE)
    assert "acme.test" not in str(raised.value)


def test_a_mail_server_that_is_not_there_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeliveryError, match=r"can't be reached \(ConnectionRefusedError\)"):
        mail(monkeypatch, f"smtp://127.0.0.1:{free_port()}").send(TITLE, MESSAGE)
