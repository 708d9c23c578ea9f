"""Only a server whose certificate proves who it is hears a token or a secret."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from attendance_pipeline.http.errors import OutageError

from .hostile_server import HostileServer, said
from .killed import ACCOUNTS
from .test_hostile_server import DAY, HEARD_AS, SECRETS, TOKEN, account, impatient, pulled, trace
from .vendors.account import VendorAccount


class Authority:
    """Signs certificates; a company's own, for example."""

    NAME = "Fjord's own authority"

    def __init__(self) -> None:
        self._key = generate_private_key(SECP256R1())
        self.pem = self._signed(self.NAME, self._key, x509.BasicConstraints(True, None)).public_bytes(Encoding.PEM)

    def server(self, folder: Path, name: x509.GeneralName, itself: bool = False) -> Path:
        """A server's key and certificate, signed by the authority or by itself."""
        key = generate_private_key(SECP256R1())
        certificate = self._signed("server", key, x509.SubjectAlternativeName([name]), key if itself else self._key)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file = folder / "server.pem"
        file.write_bytes(pem + certificate.public_bytes(Encoding.PEM))
        return file

    def _signed(
        self,
        name: str,
        key: EllipticCurvePrivateKey,
        extension: x509.ExtensionType,
        signing: EllipticCurvePrivateKey | None = None,
    ) -> x509.Certificate:
        signing = signing or self._key
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named(self.NAME if signing is self._key else name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(extension, critical=True)
            .sign(signing, SHA256())
        )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


HERE = x509.IPAddress(ip_address("127.0.0.1"))
ELSEWHERE = x509.DNSName("api.zoom.us")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def believing(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a company sets that has an authority of its own."""
    file = tmp_path / "authorities.pem"
    file.write_bytes(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No proxy, no patience; certificates are those of the environment."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with impatient():
        yield


def at(server: HostileServer, vendor: str, folder: Path) -> VendorAccount:
    return account(vendor, folder, f"https://127.0.0.1:{server.port}/api", f"https://127.0.0.1:{server.port}/login")


@pytest.mark.usefixtures("believing", "direct")
@pytest.mark.parametrize(
    ("name", "itself"), [(HERE, True), (ELSEWHERE, False)], ids=["self-signed", "of another host"]
)
def test_a_server_whose_certificate_proves_nothing_hears_nothing(
    authority: Authority, tmp_path: Path, name: x509.GeneralName, itself: bool
) -> None:
    with HostileServer(tmp_path, authority.server(tmp_path, name, itself=itself)) as server:
        server.answers({"": TOKEN})
        errors = [pulled(at(server, vendor, tmp_path / vendor)) for vendor in sorted(ACCOUNTS)]
        heard = server.heard()

    assert heard == []
    for vendor, error in zip(sorted(ACCOUNTS), errors, strict=True):
        assert isinstance(error, OutageError)
        assert f"{vendor} can't be reached at 127.0.0.1 " in str(error)
        assert "ClientConnectorCertificateError" in str(error)
        assert not any(secret in trace(error) for secret in HEARD_AS)


@pytest.mark.usefixtures("direct")
def test_a_server_of_a_companys_own_authority_is_believed_once_the_environment_names_it(
    authority: Authority, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with HostileServer(tmp_path, authority.server(tmp_path, HERE)) as server:
        empty = {"items": [], "users": [], "meetings": [], "value": [], "history_meetings": []}
        server.answers({"/api": said(body=empty), "/api/access_token": TOKEN, "/login": TOKEN})
        error = pulled(at(server, "zoom", tmp_path / "before"))
        unheard = server.heard()
        request.getfixturevalue("believing")
        for vendor in sorted(ACCOUNTS):
            at(server, vendor, tmp_path / vendor).land_meetings([DAY])
        heard = server.heard()

    assert isinstance(error, OutageError)
    assert unheard == []
    assert sum(one.headers.get("authorization") == f"Bearer {SECRETS[2]}" for one in heard) >= 3
