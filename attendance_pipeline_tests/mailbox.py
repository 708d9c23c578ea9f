"""A mail server on this machine, which keeps what it is handed."""

import ssl
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Mailbox:
    """A context manager.

    Args:
        host: where it listens.
        user: who may log in, with a password; everybody may post without, if not told.
        tls: speaks TLS from the first byte with this.
        starttls: offers STARTTLS with this, and insists on it.
        refused: addresses that get no mail.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        user: tuple[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        starttls: ssl.SSLContext | None = None,
        refused: tuple[str, ...] = (),
    ) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.logins: list[tuple[str, str]] = []
        self._user, self._refused = user, refused
        options: dict[str, Any] = {"tls_context": starttls, "require_starttls": starttls is not None}
        if user:
            by_starttls = starttls is not None
            options |= {"auth_required": by_starttls, "auth_require_tls": by_starttls}
            options["authenticator"] = self._authenticated
        self._server = _Controller(self, hostname=host, port=0, ssl_context=tls, server_hostname="mailbox", **options)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    @property
    def port(self) -> int:
        return self._server.port

    def _authenticated(self, server: SMTP, session: Session, envelope: Envelope, how: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=self.logins[-1] == self._user, handled=False)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self._refused:
            return f"550 <{address}> is unknown here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append(mail)
        self.recipients.append([str(address) for address in envelope.rcpt_tos])
        return "250 OK"


class _Controller(Controller):
    """On a free port."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
