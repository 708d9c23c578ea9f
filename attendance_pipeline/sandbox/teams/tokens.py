"""Tokens of an app without a user: bought with a secret, or with an assertion that a certificate's key signed."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from attendance_pipeline.sandbox.bearer import BearerTokens, bearer
from attendance_pipeline.sandbox.teams.assertion import ASSERTION_TYPE, fault
from attendance_pipeline.sandbox.teams.errors import GraphError
from attendance_pipeline.sandbox.teams.identity import TENANT_ID
from attendance_pipeline.sandbox.teams.options import TeamsOptions
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer

TOKEN = f"/login/{TENANT_ID}/oauth2/v2.0/token"


@dataclass(frozen=True)
class Credentials:
    """What an app registration has; made up."""

    tenant_id: str = TENANT_ID
    client_id: str = "2f7c1b90-63de-4a8c-8d55-0c9be7f1a3d2"
    client_secret: str = "sandbox-teams-secret"  # noqa: S105


class LoginError(Exception):
    """A refusal in the token endpoint's own words."""

    def __init__(self, status: int, error: str, code: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.error = error
        self.code = code
        self.text = text

    def answer(self, now: datetime) -> Answer:
        """The body as it was seen: the ids and the time stand in the description too."""
        trace, correlation, stamp = str(uuid.uuid4()), str(uuid.uuid4()), f"{now:%Y-%m-%d %H:%M:%SZ}"
        text = f"AADSTS{self.code}: {self.text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}"
        body = {
            "error": self.error,
            "error_description": text,
            "error_codes": [self.code],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.code}",
        }
        return json_answer(self.status, body)


class Grants:
    """Mints and checks tokens; several may live at the same time, each with the roles of its issue."""

    def __init__(self, options: TeamsOptions, now: Callable[[], datetime]) -> None:
        self.options = options
        self.credentials = Credentials()
        self._now = now
        self._tokens = BearerTokens(now)
        self._roles: dict[str, frozenset[str]] = {}

    def mint(self, call: Call, url: str) -> Answer:
        """Answers POST /{tenant}/oauth2/v2.0/token."""
        try:
            self._check_request(call, url)
        except LoginError as error:
            return error.answer(self._now())
        token = self._tokens.issue(self.options.token_seconds)
        self._roles[token] = frozenset(self.options.roles)
        seconds = self.options.token_seconds
        body = {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token}
        return json_answer(200, body)

    def roles(self, authorization: str) -> frozenset[str]:
        """What the token may.

        Raises:
            GraphError: 401; there's no token, or it isn't alive.
        """
        token = bearer(authorization)
        if not token:
            raise GraphError(401, "InvalidAuthenticationToken", "Access token is empty.")
        if not self._tokens.is_known(token):
            raise GraphError(401, "InvalidAuthenticationToken", "Access token validation failure.")
        if not self._tokens.is_live(token):
            text = "Lifetime validation failed, the token is expired."
            raise GraphError(401, "InvalidAuthenticationToken", text)
        return self._roles[token]

    def revoke_all(self) -> None:
        """Refuses every token given out so far."""
        self._tokens.revoke_all()
        self._roles.clear()

    def _check_request(self, call: Call, url: str) -> None:
        if call.method != "POST":
            raise LoginError(400, "invalid_request", 900561, "The endpoint only accepts POST requests.")
        if call.path != TOKEN:
            tenant = call.path.removeprefix("/login/").partition("/")[0]
            raise LoginError(400, "invalid_request", 90002, f"Tenant '{tenant}' not found.")
        sent = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
        for name in ("grant_type", "client_id", "scope"):
            if not sent.get(name):
                text = f"The request body must contain the following parameter: '{name}'."
                raise LoginError(400, "invalid_request", 900144, text)
        if sent["grant_type"] != "client_credentials":
            text = f"The app requested an unsupported grant type '{sent['grant_type']}'."
            raise LoginError(400, "unsupported_grant_type", 70003, text)
        if sent["client_id"] != self.credentials.client_id:
            text = f"Application with identifier '{sent['client_id']}' was not found in the directory."
            raise LoginError(400, "unauthorized_client", 700016, text)
        if not sent["scope"].endswith("/.default"):
            text = f"The provided value for scope {sent['scope']} is not valid: it must end in '/.default'."
            raise LoginError(400, "invalid_scope", 1002012, text)
        self._check_client(sent, url)

    def _check_client(self, sent: dict[str, str], url: str) -> None:
        if "client_assertion" in sent and sent.get("client_assertion_type") == ASSERTION_TYPE:
            client_id, certificate = self.credentials.client_id, self.options.certificate
            found = fault(sent["client_assertion"], certificate, url + TOKEN, client_id, self._now())
            if found is not None:
                raise LoginError(401, "invalid_client", *found)
            return
        if not sent.get("client_secret"):
            text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
            raise LoginError(401, "invalid_client", 7000218, text)
        if sent["client_secret"] != self.credentials.client_secret:
            raise LoginError(401, "invalid_client", 7000215, "Invalid client secret provided.")
        if self.options.secret_expired:
            raise LoginError(401, "invalid_client", 7000222, "The provided client secret keys are expired.")
