"""The ways to tell a person something: an incoming webhook as Slack has them, and mail.

Knows HTTP, SMTP and the settings. What is told, and when, others decide. Addresses of webhooks, passwords and
recipients never stand in an error.
"""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Protocol
from urllib.parse import unquote, urlsplit

import httpx
from pydantic import SecretStr

from attendance_pipeline.errors import AttendanceError
from attendance_pipeline.http.transport import proxy_towards
from attendance_pipeline.settings import ALERT_CHANNELS, ALERT_MAIL, LOOPBACK, Settings

PATIENCE = 10.0
"""Seconds that a webhook or mail server may stay silent."""

SUBJECT = "[attendance pipeline] "


class DeliveryError(AttendanceError):
    """A message didn't reach the webhook or the mail server."""


class Channel(Protocol):
    """One way to tell a person something."""

    @property
    def name(self) -> str:
        """Tells it from the others."""

    def send(self, title: str, message: str) -> str:
        """Send one message.

        Args:
            title: one line.
            message: the whole text, the title included.

        Returns:
            What went wrong on the way without keeping it from everyone; mostly nothing.

        Raises:
            DeliveryError: it reached nobody.
        """


def why_off(settings: Settings) -> str:
    """Why nobody is told anything, and how to turn it on; empty where a channel is on."""
    missing = settings.missing(ALERT_CHANNELS)
    return f"alerts are off: {missing} not set (environment or .env; see .env.example)" if missing else ""


def why_no_mail(settings: Settings) -> str:
    """What lacks where somebody began to set up mail; else empty."""
    missing = settings.missing([ALERT_MAIL])
    return f"no mail: {missing} not set" if settings.attendance_alert_email and missing else ""


def channels(settings: Settings) -> list[Channel]:
    """Those that are on."""
    on: list[Channel] = []
    if settings.attendance_alert_webhook:
        on.append(Webhook(settings.attendance_alert_webhook))
    if settings.alert_recipients and settings.attendance_smtp_url:
        sender = settings.attendance_alert_email_from or settings.alert_recipients[0]
        on.append(Mail(settings.attendance_smtp_url, sender, settings.alert_recipients))
    return on


@dataclass(frozen=True)
class Webhook:
    """Posts JSON with a `text`, which Slack and those that take its messages show."""

    address: SecretStr
    name: str = "webhook"

    def send(self, title: str, message: str) -> str:
        """Post it; see `Channel`."""
        url = httpx.URL(self.address.get_secret_value())
        request = httpx.Request(
            "POST",
            url,
            json={"text": _plain_in_slack(message)},
            headers={"User-Agent": "attendance-pipeline"},
            extensions={"timeout": httpx.Timeout(PATIENCE).as_dict()},
        )
        try:
            # Without a client: that would follow its environment's habits and log the address.
            with httpx.HTTPTransport(verify=ssl.create_default_context(), proxy=proxy_towards(url)) as transport:
                answer = transport.handle_request(request)
                answer.close()
        except httpx.TransportError as error:
            raise DeliveryError(f"the webhook can't be reached ({type(error).__name__})") from None
        if not answer.is_success:
            raise DeliveryError(f"the webhook answered {answer.status_code}; check ATTENDANCE_ALERT_WEBHOOK")
        return ""


@dataclass(frozen=True)
class Mail:
    """One mail to all recipients."""

    server: SecretStr
    sender: str = field(repr=False)
    recipients: list[str] = field(repr=False)
    name: str = "mail"

    def send(self, title: str, message: str) -> str:
        """Hand it to the mail server; see `Channel`."""
        mail = EmailMessage()
        mail["Subject"] = SUBJECT + title
        mail["From"] = self.sender
        mail["To"] = ", ".join(self.recipients)
        mail["Date"] = formatdate()
        mail["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2])
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message)
        host = urlsplit(self.server.get_secret_value()).hostname
        try:
            with self._connected() as server:
                refused = server.send_message(mail, self.sender, self.recipients)
        except (smtplib.SMTPException, OSError, UnicodeError) as error:
            raise DeliveryError(f"the mail server {host} {_said(error)}; check ATTENDANCE_SMTP_URL") from None
        return f"the mail server refuses {len(refused)} of {len(self.recipients)} recipients" if refused else ""

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        parts = urlsplit(self.server.get_secret_value())
        host, context = parts.hostname or "", ssl.create_default_context()
        if parts.scheme == "smtps":
            opened: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=PATIENCE, context=context)
        else:
            opened = smtplib.SMTP(host, parts.port or 587, timeout=PATIENCE)
        with opened as server:
            if parts.scheme == "smtp" and host not in LOOPBACK:
                server.starttls(context=context)
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            yield server


def _plain_in_slack(text: str) -> str:
    """Slack takes these three for marks, and would call everyone in a channel for `<!channel>`."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _said(error: Exception) -> str:
    """What became of a mail, without the server's own words, which may repeat addresses."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"refuses user and password ({error.smtp_code})"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "refuses every recipient"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"answered {error.smtp_code}"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "doesn't offer what is needed (STARTTLS, or a log-in)"
    if isinstance(error, UnicodeError):
        return "can't be given a user or password beyond ASCII"
    return f"can't be reached ({type(error).__name__})"
