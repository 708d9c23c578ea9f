"""Tokens, certificates, roles, policies and limits."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding

from attendance_pipeline.sandbox import Sandbox, TeamsOptions
from attendance_pipeline.sandbox.teams.limits import Limiter
from attendance_pipeline.sandbox.teams.options import ROLES

from .client import Clock, Reply
from .teams_client import TeamsClient, an_occurrence, error, meeting_path, path_of

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CALLS = "/communications/callRecords"


def aadsts(reply: Reply) -> tuple[int, str, int]:
    body = reply.body
    assert set(body) == {
        *("error", "error_description", "error_codes", "timestamp", "trace_id", "correlation_id", "error_uri"),
    }
    (code,) = body["error_codes"]
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert all(body[name] in body["error_description"] for name in ("timestamp", "trace_id", "correlation_id"))
    return reply.status, body["error"], code


def test_a_secret_buys_a_token(teams: TeamsClient) -> None:
    reply = teams.mint()

    assert reply.status == 200
    assert reply.body | {"access_token": ""} == {
        "token_type": "Bearer",
        "expires_in": 3_599,
        "ext_expires_in": 3_599,
        "access_token": "",
    }
    assert teams.get("/users", token=reply.body["access_token"]).status == 200


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"client_secret": "wrong"}, (401, "invalid_client", 7_000_215)),
        ({"client_secret": ""}, (401, "invalid_client", 7_000_218)),
        ({"client_id": "00000000-0000-4000-8000-000000000000"}, (400, "unauthorized_client", 700_016)),
        ({"client_id": ""}, (400, "invalid_request", 900_144)),
        ({"scope": "https://graph.microsoft.com/User.Read"}, (400, "invalid_scope", 1_002_012)),
        ({"grant_type": "password"}, (400, "unsupported_grant_type", 70_003)),
        ({"tenant": "00000000-0000-4000-8000-000000000000"}, (400, "invalid_request", 90_002)),
        ({"method": "GET"}, (400, "invalid_request", 900_561)),
    ],
)
def test_what_is_wrong_with_a_request_for_a_token(
    teams: TeamsClient, changes: dict[str, str], expected: tuple[int, str, int]
) -> None:
    assert aadsts(teams.mint(**changes)) == expected


def test_a_secret_expires(teams: TeamsClient, teams_options: TeamsOptions) -> None:
    teams_options.secret_expired = True

    assert aadsts(teams.mint()) == (401, "invalid_client", 7_000_222)


def certificate_of(key: RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sandbox")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin + timedelta(days=365))
    return builder.sign(key, hashes.SHA256())


KEY = generate_private_key(65_537, 2_048)
CERTIFICATE = certificate_of(KEY)


def assertion(teams: TeamsClient, *, algorithm: str = "PS256", key: RSAPrivateKey = KEY, **changes: object) -> str:
    settings, now = teams.sandbox.settings, teams.sandbox.now().timestamp()
    claims: dict[str, Any] = {
        "aud": f"{settings['TEAMS_LOGIN_URL']}/{settings['TEAMS_TENANT_ID']}/oauth2/v2.0/token",
        "iss": settings["TEAMS_CLIENT_ID"],
        "sub": settings["TEAMS_CLIENT_ID"],
        "exp": int(now) + 600,
        "iat": int(now),
        "jti": "1",
    }
    raw = CERTIFICATE.public_bytes(Encoding.DER)
    digest = hashlib.sha256(raw) if algorithm == "PS256" else hashlib.sha1(raw, usedforsecurity=False)
    thumbprint = base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")
    headers = {"x5t#S256" if algorithm == "PS256" else "x5t": thumbprint}
    return jwt.encode(claims | changes, key, algorithm=algorithm, headers=headers)


def with_assertion(teams: TeamsClient, signed: str) -> Reply:
    return teams.mint(client_secret="", client_assertion_type=ASSERTION_TYPE, client_assertion=signed)


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
def test_a_certificate_buys_a_token(teams: TeamsClient, teams_options: TeamsOptions, algorithm: str) -> None:
    teams_options.certificate = CERTIFICATE.public_bytes(Encoding.PEM).decode()

    reply = with_assertion(teams, assertion(teams, algorithm=algorithm))

    assert reply.status == 200, reply.body
    assert teams.get("/users", token=reply.body["access_token"]).status == 200


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": "https://login.example"}, 700_023),
        ({"iss": "somebody"}, 700_021),
        ({"sub": "somebody"}, 700_021),
        ({"exp": 1_000_000_000}, 700_024),
        ({"exp": None}, 700_024),
        ({"key": generate_private_key(65_537, 2_048)}, 700_027),
    ],
)
def test_what_is_wrong_with_an_assertion(
    teams: TeamsClient, teams_options: TeamsOptions, changes: dict[str, Any], code: int
) -> None:
    teams_options.certificate = CERTIFICATE.public_bytes(Encoding.PEM).decode()

    assert aadsts(with_assertion(teams, assertion(teams, **changes))) == (401, "invalid_client", code)


def test_an_assertion_needs_a_known_certificate(teams: TeamsClient, teams_options: TeamsOptions) -> None:
    signed = assertion(teams)
    assert aadsts(with_assertion(teams, signed)) == (401, "invalid_client", 700_027)

    teams_options.certificate = CERTIFICATE.public_bytes(Encoding.PEM).decode()
    assert aadsts(with_assertion(teams, "no.jwt.atall")) == (401, "invalid_client", 700_027)
    unnamed = jwt.encode({"iss": "x"}, KEY, algorithm="PS256")
    assert aadsts(with_assertion(teams, unnamed)) == (401, "invalid_client", 700_027)


def test_a_token_expires_by_the_sandbox_clock(teams: TeamsClient, clock: Clock) -> None:
    token = teams.mint().body["access_token"]
    clock.advance(seconds=3_598)
    assert teams.get("/users", token=token).status == 200

    clock.advance(seconds=1)
    expired = error(teams.get("/users", token=token))
    assert expired == (401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")


@pytest.mark.parametrize("token", ["", "made-up"])
def test_without_a_token_nothing_is_told(teams: TeamsClient, token: str) -> None:
    for path in ("/users", "/nowhere"):
        assert error(teams.get(path, token=token))[:2] == (401, "InvalidAuthenticationToken")


def test_tokens_can_be_revoked(teams: TeamsClient) -> None:
    assert teams.get("/users").status == 200
    teams.sandbox.teams.access.revoke_all()

    assert error(teams.get("/users"))[:2] == (401, "InvalidAuthenticationToken")
    assert teams.get("/users", token=teams.mint().body["access_token"]).status == 200


@pytest.mark.parametrize(
    ("role", "path"),
    [
        ("CallRecords.Read.All", CALLS),
        ("User.Read.All", "/users"),
        ("Calendars.Read", "/users/x/calendarView"),
        ("OnlineMeetings.Read.All", "/users/x/onlineMeetings/y"),
        ("OnlineMeetingArtifact.Read.All", "/users/x/onlineMeetings/y/attendanceReports"),
        ("VirtualEvent.Read.All", "/solutions/virtualEvents/webinars"),
    ],
)
def test_a_role_counts_from_the_next_token_on(
    teams: TeamsClient, teams_options: TeamsOptions, role: str, path: str
) -> None:
    teams_options.roles = tuple(one for one in ROLES if one != role)
    token = teams.mint().body["access_token"]
    refused = (403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    assert error(teams.get(path, token=token)) == refused

    teams_options.roles = ROLES
    assert error(teams.get(path, token=token)) == refused
    assert teams.get(path, token=teams.mint().body["access_token"]).status != 403


def test_a_policy_is_needed_for_a_users_meetings(teams: TeamsClient, teams_options: TeamsOptions) -> None:
    sandbox = teams.sandbox
    identity = sandbox.teams.tenant.identity
    occurrence = an_occurrence(sandbox, "meeting")
    user_id, path = identity.user_id(occurrence.host), path_of(sandbox, occurrence)
    teams_options.without_policy = lambda asked: asked == user_id

    app = sandbox.settings["TEAMS_CLIENT_ID"]
    text = f"No application access policy found for this app {app} on the user {user_id}"
    for reply in (
        teams.lookup(user_id, identity.join_url(occurrence.series)),
        teams.get(path),
        teams.get(f"{path}/attendanceReports"),
    ):
        assert error(reply) == (403, "Forbidden", text)
    assert user_id not in {
        identity.user_id(held.occurrence.host)
        for held in sandbox.teams.held(sandbox.now().date() - timedelta(days=9), sandbox.now().date())
    }


def test_events_are_left_out_silently(teams: TeamsClient, teams_options: TeamsOptions) -> None:
    before = teams.rows("/solutions/virtualEvents/webinars")
    organizer = before[0]["createdBy"]["user"]["id"]
    teams_options.without_policy = lambda asked: asked == organizer

    after = teams.rows("/solutions/virtualEvents/webinars")
    assert after == [one for one in before if one["createdBy"]["user"]["id"] != organizer]
    assert error(teams.get(f"/solutions/virtualEvents/webinars/{before[0]['id']}"))[:2] == (403, "Forbidden")


def test_only_the_organizer_finds_a_meeting(teams: TeamsClient) -> None:
    identity = teams.sandbox.teams.tenant.identity
    occurrence = an_occurrence(teams.sandbox, "meeting")
    other = next(one for one in teams.sandbox.organisation.active if one is not occurrence.host)
    meeting_id, address = identity.meeting_id(occurrence.series), identity.join_url(occurrence.series)

    refused = (403, "Forbidden", "3003: User does not have access to lookup meeting")
    assert error(teams.lookup(identity.user_id(other), address)) == refused
    assert error(teams.get(meeting_path(identity.user_id(other), meeting_id))) == refused
    assert teams.lookup(identity.user_id(occurrence.host), address).body["value"][0]["id"] == meeting_id


def test_limits_slide_and_count_what_they_refuse() -> None:
    now = 1_000.0
    limiter = Limiter(TeamsOptions(), lambda: now)
    for _ in range(40):
        assert limiter.wait("call-records-list") == 0
        now += 0.25
    # the first was asked 10 seconds ago; this one takes the place of the second
    assert limiter.wait("call-records-list") == pytest.approx(10.25)
    assert limiter.wait("call-record") == limiter.wait("") == 0
    now += 10.25
    assert limiter.wait("call-records-list") == 0


def test_too_many_lists_are_refused_as_recorded(clock: Clock) -> None:
    with Sandbox(size="small", mix={"teams": 1}, clock=clock) as sandbox:
        client = TeamsClient(sandbox)
        replies = [client.get(CALLS) for _ in range(41)]
        client.close()

    assert [reply.status for reply in replies] == [200] * 40 + [429]
    assert error(replies[-1])[1:] == ("TooManyRequests", "Please retry again later.")
    inner = replies[-1].body["error"]["innerError"]
    assert (inner["code"], inner["status"], inner["message"]) == ("429", "429", "Please retry after")
    wait = replies[-1].headers["retry-after"]
    assert 0 < float(wait) <= 20
    assert len(wait.partition(".")[2]) == 3
    assert {seen.label for seen in sandbox.requests[1:]} == {"call-records-list"}
