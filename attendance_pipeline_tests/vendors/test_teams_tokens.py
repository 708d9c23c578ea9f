"""Teams' tokens: bought with certificate or secret, as Microsoft documents it; refusals are told in plain words."""

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import jwt
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from attendance_pipeline.errors import UsageError
from attendance_pipeline.http.errors import RefusedError
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors.teams.tokens import ASSERTION_TYPE, REFUSALS, bearer, scope
from attendance_pipeline_tests.http.conftest import anyio_backend, budget, session
from attendance_pipeline_tests.http.local_vendor import NOW, Asked, LocalVendor, Raw, Sessions, answer

from .account import settings as settings_of

__all__ = ["anyio_backend", "budget", "session"]  # fixtures

ANYTHING = msgspec.json.Decoder(dict[str, object])
TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-000000000000"
SECRET = "made-up-client-secret"
KEY = rsa.generate_private_key(65_537, 2_048)
OTHER_KEY = rsa.generate_private_key(65_537, 2_048)


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def certificate(
    key: Any = KEY, name: str = "app", begins: datetime = NOW - timedelta(days=1), days: int = 90
) -> x509.Certificate:
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=days))
        .sign(key, SHA256())
    )


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


def private(key: Any = KEY, encryption: KeySerializationEncryption | None = None) -> bytes:
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()))


OWN = certificate()
GOOD = private() + pem(OWN)


@dataclass
class App:
    """An app of a tenant whose login and Graph are on this machine."""

    server: LocalVendor
    folder: Path
    certificate: bytes | None = None
    secret: bool = False

    @property
    def file(self) -> Path:
        return self.folder / "app.pem"

    @property
    def settings(self) -> Settings:
        variables = {
            "TEAMS_TENANT_ID": TENANT,
            "TEAMS_CLIENT_ID": CLIENT,
            "TEAMS_LOGIN_URL": self.server.url,
            "TEAMS_GRAPH_URL": self.server.url,
        }
        if self.secret:
            variables["TEAMS_CLIENT_SECRET"] = SECRET
        if self.certificate is not None:
            self.file.write_bytes(self.certificate)
            variables["TEAMS_CLIENT_CERTIFICATE"] = str(self.file)
        return settings_of(self.folder, variables)

    @property
    def grants(self) -> list[dict[str, str]]:
        return [dict(parse_qsl(asked.body.decode())) for asked in self.server.asked if asked.method == "POST"]

    async def ask(self, session: Sessions, times: int = 1) -> None:
        async with session(self.server.url, "unused", auth=bearer(self.settings, lambda: NOW)) as api:
            for _ in range(times):
                await api.get("/v1.0/users", {}, ANYTHING, "light")


def granting(refusals: int = 0, code: int = 700_027, expires_in: int = 3_599) -> Callable[[Asked], Raw]:
    """Refuses so many grants, gives a token to any other."""
    left = refusals

    def answering(asked: Asked) -> Raw:
        nonlocal left
        if asked.method == "GET":
            return answer() if asked.headers["authorization"] == "Bearer granted" else answer(401)
        assert asked.target == f"/{TENANT}/oauth2/v2.0/token"
        assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
        assert "authorization" not in asked.headers
        left -= 1
        if left >= 0:
            return refusal(code)
        return answer(body={"token_type": "Bearer", "expires_in": expires_in, "access_token": "granted"})

    return answering


def refusal(code: int, **changes: Any) -> Raw:
    body = {
        "error": "invalid_client",
        "error_description": f"AADSTS{code}: about ana@acme.example. Trace ID: trace Correlation ID: correlation",
        "error_codes": [code],
        "trace_id": "trace",
    }
    return answer(401, body | changes)


@pytest.mark.anyio
async def test_a_token_is_bought_with_the_secret(session: Sessions, tmp_path: Path) -> None:
    async with LocalVendor(granting()) as server:
        app = App(server, tmp_path, secret=True)
        await app.ask(session, times=3)

    assert app.grants == [
        {
            "client_id": CLIENT,
            "scope": "https://graph.microsoft.com/.default",
            "grant_type": "client_credentials",
            "client_secret": SECRET,
        }
    ]


@pytest.mark.anyio
async def test_a_token_is_bought_with_a_certificate(session: Sessions, tmp_path: Path) -> None:
    issuer = certificate(OTHER_KEY, "issuer")
    async with LocalVendor(granting()) as server:
        app = App(server, tmp_path, certificate=pem(issuer) + private() + pem(OWN))
        await app.ask(session, times=3)

    (grant,) = app.grants
    assert grant.keys() == {"client_id", "scope", "grant_type", "client_assertion_type", "client_assertion"}
    assert grant["client_assertion_type"] == ASSERTION_TYPE
    token_url = f"{server.url}/{TENANT}/oauth2/v2.0/token"
    claims = jwt.decode(
        grant["client_assertion"],
        KEY.public_key(),
        algorithms=["PS256"],
        audience=token_url,
        issuer=CLIENT,
        options={
            "require": ["exp", "nbf", "iat", "jti", "sub"],
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
        },
    )
    assert (claims["aud"], claims["iss"], claims["sub"]) == (token_url, CLIENT, CLIENT)
    assert claims["iat"] == claims["nbf"] == int(NOW.timestamp())
    assert claims["exp"] == claims["iat"] + 600
    header = jwt.get_unverified_header(grant["client_assertion"])
    own = OWN.public_bytes(Encoding.DER)
    assert header["alg"] == "PS256"
    assert header["x5t#S256"] == urlsafe_b64encode(sha256(own).digest()).decode().rstrip("=")
    assert [b64decode(one) for one in header["x5c"]] == [own, issuer.public_bytes(Encoding.DER)]
    assert not any("PRIVATE" in repr(asked) for asked in server.asked)


@pytest.mark.anyio
async def test_every_grant_has_an_assertion_of_its_own(session: Sessions, tmp_path: Path) -> None:
    async with LocalVendor(granting(expires_in=1)) as server:
        app = App(server, tmp_path, certificate=GOOD)
        await app.ask(session, times=3)

    assertions = [
        jwt.decode(grant["client_assertion"], options={"verify_signature": False})["jti"] for grant in app.grants
    ]
    assert len(set(assertions)) == len(assertions) == 3


@pytest.mark.anyio
async def test_the_certificate_is_tried_before_the_secret(session: Sessions, tmp_path: Path) -> None:
    async with LocalVendor(granting()) as server:
        app = App(server, tmp_path, certificate=GOOD, secret=True)
        await app.ask(session)
        server.answering = granting(refusals=1)
        await app.ask(session)

    assert ["client_secret" in grant for grant in app.grants] == [False, False, True]
    assert ["client_assertion" in grant for grant in app.grants] == [True, True, False]


@pytest.mark.parametrize("code", sorted(REFUSALS))
@pytest.mark.parametrize("changes", [{}, {"error_codes": None}, {"error_codes": []}, {"error_description": ""}])
@pytest.mark.anyio
async def test_a_refusal_is_told_in_plain_words_by_its_number(
    session: Sessions, tmp_path: Path, code: int, changes: dict[str, Any]
) -> None:
    async with LocalVendor(lambda _: refusal(code, **changes)) as server:
        app = App(server, tmp_path, secret=True)
        with pytest.raises(RefusedError) as refused:
            await app.ask(session)

    message = str(refused.value)
    assert message == f"teams: the token endpoint refused the credentials (AADSTS{code}): {REFUSALS[code]}"
    assert len(app.grants) == 1


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (refusal(50_034), "AADSTS50034"),
        (answer(400, {"error": "invalid_request"}), "400"),
        (answer(403, "<html>ana@acme.example</html>"), "403"),
        (answer(401, {"error_codes": ["trace"]}), "401"),
        (answer(401, b""), "401"),
    ],
)
@pytest.mark.anyio
async def test_an_unknown_refusal_names_the_settings_and_nothing_of_the_vendors_text(
    session: Sessions, tmp_path: Path, reply: Raw, told: str
) -> None:
    async with LocalVendor(lambda _: reply) as server:
        app = App(server, tmp_path, secret=True)
        with pytest.raises(RefusedError, match=r"teams: .*TEAMS_TENANT_ID, TEAMS_CLIENT_ID") as refused:
            await app.ask(session)

    assert told in str(refused.value)
    assert not any(hidden in str(refused.value) for hidden in ("ana", "trace", "orrelation", SECRET))


@pytest.mark.parametrize(
    ("graph", "scoped"),
    [
        ("https://graph.microsoft.com", "graph.microsoft.com"),
        ("https://GRAPH.microsoft.us", "graph.microsoft.us"),
        ("https://dod-graph.microsoft.us:443/", "dod-graph.microsoft.us"),
        ("https://microsoftgraph.chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn"),
        ("http://127.0.0.1:8123/graph", "graph.microsoft.com"),
        ("https://graph.microsoft.com.evil.example", "graph.microsoft.com"),
    ],
)
def test_the_scope_follows_the_cloud(graph: str, scoped: str) -> None:
    assert scope(graph) == f"https://{scoped}/.default"


CURVED = ec.generate_private_key(ec.SECP256R1())
UNUSABLE = {
    "no key": (pem(OWN), "there is no private key in it"),
    "no certificate": (private(), "there is no certificate in it"),
    "empty": (b"", "there is no private key in it"),
    "nonsense": (
        b"-----BEGIN PRIVATE KEY-----\nb29wcw==\n-----END PRIVATE KEY-----\n",
        "there is no private key in it",
    ),
    "half a certificate": (GOOD[:-200], "there is no certificate in it"),
    "a password": (private(encryption=BestAvailableEncryption(b"made-up")) + pem(OWN), "has a password"),
    "another's key": (private(OTHER_KEY) + pem(OWN), "don't belong together"),
    "not RSA": (private(CURVED) + pem(certificate(CURVED)), "isn't RSA"),
    "ended": (private() + pem(certificate(begins=NOW - timedelta(days=100))), "its certificate ended on 2026-03-06"),
    "not begun": (
        private() + pem(certificate(begins=NOW + timedelta(days=2))),
        "its certificate begins on 2026-03-18",
    ),
}


@pytest.mark.parametrize(("content", "why"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_certificate_that_cannot_be_used_is_a_usage_error_that_says_why(
    tmp_path: Path, content: bytes, why: str
) -> None:
    app = App(LocalVendor(), tmp_path, certificate=content, secret=True)
    app.server.port = 1
    with pytest.raises(UsageError, match=r"^TEAMS_CLIENT_CERTIFICATE: .*app\.pem can't be used: ") as refused:
        bearer(app.settings, lambda: NOW)

    assert why in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert not any(line in str(refused.value) for line in content.decode().splitlines() if line)


def test_a_certificate_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    variables = {"TEAMS_TENANT_ID": TENANT, "TEAMS_CLIENT_ID": CLIENT}
    (tmp_path / "folder").mkdir()
    for name, why in (("missing.pem", "No such file"), ("folder", "Is a directory")):
        settings = settings_of(tmp_path, variables | {"TEAMS_CLIENT_CERTIFICATE": str(tmp_path / name)})
        with pytest.raises(UsageError, match=f"^TEAMS_CLIENT_CERTIFICATE: .*{name} can't be used.*{why}"):
            bearer(settings, lambda: NOW)


def test_a_certificate_that_is_good_is_taken(tmp_path: Path) -> None:
    app = App(LocalVendor(), tmp_path, certificate=GOOD)
    app.server.port = 1
    assert isinstance(bearer(app.settings, lambda: NOW), httpx.Auth)
