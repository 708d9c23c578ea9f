"""Teams' tokens: bought with an app's certificate or with its secret.

Facts: Microsoft's pages "Get access without a user", "Microsoft identity platform application authentication
certificate credentials", "National cloud deployments" and "Troubleshoot Azure authentication with service principal".
"""

import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509 import Certificate, load_pem_x509_certificates

from attendance_pipeline.clock import Clock
from attendance_pipeline.errors import UsageError
from attendance_pipeline.http.oauth import BearerAuth
from attendance_pipeline.settings import Settings

CLOUDS = ("graph.microsoft.com", "graph.microsoft.us", "dod-graph.microsoft.us", "microsoftgraph.chinacloudapi.cn")
"""Where Graph is; a token is for one of them."""

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIVES = timedelta(minutes=10)

TOKEN_REFUSED = (
    "TEAMS_GRAPH_URL and TEAMS_LOGIN_URL have to be of the same cloud, "  # noqa: S105 - words for a message
    "and the app must not be disabled (Entra admin center > Enterprise applications)"
)
SECRETS = "Entra admin center > App registrations > the app > Certificates & secrets"
REFUSALS = {
    90002: "there is no such tenant in this cloud: check TEAMS_TENANT_ID and TEAMS_LOGIN_URL",
    700016: "the tenant knows no such app: check TEAMS_CLIENT_ID (the application id) and TEAMS_TENANT_ID",
    700024: "the certificate's signature is for another time: set this machine's clock",
    700027: (
        "the app doesn't know the certificate, or it has ended there: upload the certificate of "
        f"TEAMS_CLIENT_CERTIFICATE ({SECRETS})"
    ),
    7000215: f"TEAMS_CLIENT_SECRET is wrong: copy a secret's value, not its id ({SECRETS})",
    7000222: f"TEAMS_CLIENT_SECRET has ended: make another one ({SECRETS})",
}
"""What the numbers say that Microsoft's refusals begin with (AADSTS…), and the way out."""


_NUMBER = re.compile(rb'AADSTS(\d{1,9})|"error_codes"\s*:\s*\[\s*(\d{1,9})')


def bearer(settings: Settings, clock: Clock) -> httpx.Auth:
    """What puts the token on a request; the certificate is tried before the secret. The credentials must be set.

    Raises:
        UsageError: the certificate can't be used.
    """
    file = settings.teams_client_certificate
    certificate = None if file is None else ClientCertificate.read(file, clock)
    url = f"{settings.teams_login_url}/{settings.teams_tenant_id}/oauth2/v2.0/token"
    app = {
        "client_id": str(settings.teams_client_id),
        "scope": scope(settings.teams_graph_url),
        "grant_type": "client_credentials",
    }

    def grants() -> Sequence[httpx.Request]:
        proofs = []
        if certificate is not None:
            assertion = certificate.assertion(app["client_id"], url)
            proofs.append({"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion})
        if settings.teams_client_secret is not None:
            proofs.append({"client_secret": settings.teams_client_secret.get_secret_value()})
        return [httpx.Request("POST", url, data=app | proof) for proof in proofs]

    return BearerAuth("teams", grants, explain)


def scope(graph_url: str) -> str:
    """What a token is for: Graph of this address's cloud, of the global one where the address is none of Graph's."""
    host = urlsplit(graph_url).hostname
    return f"https://{host if host in CLOUDS else CLOUDS[0]}/.default"


def explain(response: httpx.Response) -> str:
    """What a refusal of the token endpoint means, by its number alone: its text names people and traces."""
    told = _NUMBER.search(response.content)
    if told is None:
        return (
            f"the token endpoint refused the credentials ({response.status_code}) without saying why: check "
            "TEAMS_LOGIN_URL, TEAMS_TENANT_ID, TEAMS_CLIENT_ID and the secret or certificate"
        )
    number = int(told[1] or told[2])
    way_out = REFUSALS.get(
        number,
        f"check TEAMS_TENANT_ID, TEAMS_CLIENT_ID and the secret or certificate, or look AADSTS{number} up in "
        "Microsoft's list of error codes",
    )
    return f"the token endpoint refused the credentials (AADSTS{number}): {way_out}"


@dataclass(frozen=True)
class ClientCertificate:
    """A certificate that the app knows, with its private key and the certificates that vouch for it."""

    key: RSAPrivateKey
    chain: tuple[Certificate, ...]
    clock: Clock

    @classmethod
    def read(cls, file: Path, clock: Clock) -> "ClientCertificate":
        """Of a PEM file that holds both.

        Raises:
            UsageError: it doesn't, or its certificate isn't valid now; tells nothing of its content.
        """
        try:
            pem = file.read_bytes()
        except OSError as error:
            raise _unusable(file, f"it can't be read ({error.strerror or type(error).__name__})") from None
        try:
            key = load_pem_private_key(pem, password=None)
        except TypeError:
            raise _unusable(file, "its private key has a password; store it without one") from None
        except (ValueError, UnsupportedAlgorithm):
            raise _unusable(file, "there is no private key in it; add the key to the certificate") from None
        if not isinstance(key, RSAPrivateKey):
            raise _unusable(file, "its private key isn't RSA, which Microsoft wants")
        try:
            certificates = load_pem_x509_certificates(pem)
        except ValueError:
            raise _unusable(file, "there is no certificate in it; add the one that the app knows") from None
        own = [one for one in certificates if one.public_key() == key.public_key()]
        if not own:
            raise _unusable(file, "its certificate and its private key don't belong together")
        begins, ends = own[0].not_valid_before_utc, own[0].not_valid_after_utc
        if not begins <= clock() <= ends:
            when = f"ended on {ends:%Y-%m-%d}" if begins <= clock() else f"begins on {begins:%Y-%m-%d}"
            raise _unusable(file, f"its certificate {when}; make another one and upload it ({SECRETS})")
        return cls(key, (own[0], *(one for one in certificates if one is not own[0])), clock)

    def assertion(self, client_id: str, audience: str) -> str:
        """A signed statement, good for one grant, that whoever sends it is the app."""
        now = self.clock()
        claims: dict[str, Any] = {
            "aud": audience,
            "iss": client_id,
            "sub": client_id,
            "jti": str(uuid4()),
            "iat": now,
            "nbf": now,
            "exp": now + ASSERTION_LIVES,
        }
        thumbprint = urlsafe_b64encode(self.chain[0].fingerprint(SHA256())).rstrip(b"=").decode()
        chain = [b64encode(one.public_bytes(Encoding.DER)).decode() for one in self.chain]
        return jwt.encode(claims, self.key, algorithm="PS256", headers={"x5t#S256": thumbprint, "x5c": chain})


def _unusable(file: Path, why: str) -> UsageError:
    return UsageError(f"TEAMS_CLIENT_CERTIFICATE: {file} can't be used: {why}")
