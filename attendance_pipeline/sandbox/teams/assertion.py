"""Whether a certificate's key signed an assertion for this client, this endpoint and this time."""

import base64
import hashlib
from datetime import datetime

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ["PS256", "RS256"]

Fault = tuple[int, str]
"""An AADSTS code, and what it says."""


def fault(assertion: str, certificate: str | None, audience: str, client_id: str, now: datetime) -> Fault | None:
    """What is wrong with an assertion; None if nothing is.

    PS256 with `x5t#S256` is what Microsoft's library sends, RS256 with `x5t` what older ones do.
    """
    import jwt
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificate

    unsigned = (700027, "The certificate with identifier used to sign the client assertion is not registered.")
    if certificate is None:
        return unsigned
    known = load_pem_x509_certificate(certificate.encode())
    raw = known.public_bytes(Encoding.DER)
    thumbprints = {
        "x5t#S256": _encoded(hashlib.sha256(raw).digest()),
        "x5t": _encoded(hashlib.sha1(raw, usedforsecurity=False).digest()),
    }
    try:
        header = jwt.get_unverified_header(assertion)
        named = [name for name in thumbprints if name in header]
        if not named or any(header[name].rstrip("=") != thumbprints[name] for name in named):
            return unsigned
        # times are checked by the sandbox's clock
        unchecked = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
        claims = jwt.decode(assertion, known.public_key(), algorithms=ALGORITHMS, options=unchecked)  # type: ignore[arg-type]
    except jwt.PyJWTError:
        return 700027, "Client assertion failed signature validation."
    if claims.get("aud") != audience:
        return 700023, "Client assertion audience claim does not match Realm issuer."
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        return 700021, "Client assertion application identifier doesn't match 'client_id' parameter."
    expires = claims.get("exp")
    if not isinstance(expires, int | float) or expires <= now.timestamp():
        return 700024, "Client assertion is not within its valid time range."
    return None


def _encoded(thumbprint: bytes) -> str:
    return base64.urlsafe_b64encode(thumbprint).decode().rstrip("=")
