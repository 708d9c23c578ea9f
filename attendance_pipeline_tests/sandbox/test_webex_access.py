import pytest

from attendance_pipeline.sandbox import Sandbox, WebexOptions
from attendance_pipeline.sandbox.webex.limits import Limiter

from .client import Clock, Reply
from .webex_client import API, MAIN, WebexClient

MISSING_TOKEN = "The request requires a valid access token set in the Authorization request header."
SITES = "/meetingPreferences/sites"


def causes(reply: Reply) -> list[str]:
    """What the standard error body says in detail; its id is in a header too."""
    assert set(reply.body) <= {"message", "errors", "trackingId"}
    assert reply.headers["trackingid"] == reply.body["trackingId"]
    return [error["description"] for error in reply.body.get("errors", [])]


@pytest.mark.parametrize("basic", [False, True])
def test_a_refresh_token_buys_an_access_token(webex: WebexClient, basic: bool) -> None:
    reply = webex.refresh(basic=basic)

    assert reply.status == 200
    assert reply.body | {"access_token": ""} == {
        "access_token": "",
        "expires_in": 1_209_599,
        "refresh_token": webex.sandbox.settings["WEBEX_REFRESH_TOKEN"],
        "refresh_token_expires_in": 7_775_999,
        "token_type": "Bearer",
        "scope": " ".join(WebexOptions().scopes),
    }
    assert webex.get(SITES, token=reply.body["access_token"]).status == 200


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"client_secret": "wrong"}, 401),
        ({"client_id": ""}, 401),
        ({"refresh_token": "made-up"}, 400),
        ({"grant_type": "client_credentials"}, 400),
    ],
)
def test_what_is_wrong_with_a_refresh_is_told_in_the_standard_body(
    webex: WebexClient, changes: dict[str, str], status: int
) -> None:
    reply = webex.refresh(**changes)

    assert reply.status == status
    assert len(causes(reply)) == 1


def test_the_token_endpoint_reads_forms_alone(webex: WebexClient) -> None:
    assert webex.send("POST", f"{API}/access_token", {"Content-Type": "application/json"}, b"{}").status == 415
    assert webex.send("GET", f"{API}/access_token").status == 405


def test_a_refresh_token_lives_on_by_being_used(webex: WebexClient, clock: Clock) -> None:
    for _ in range(3):
        clock.advance(days=60)
        assert webex.refresh().status == 200
    clock.advance(seconds=7_775_999)
    assert webex.refresh().status == 400


def test_refresh_tokens_may_rotate(webex: WebexClient, webex_options: WebexOptions) -> None:
    webex_options.rotate_refresh_tokens = True

    second = webex.refresh().body["refresh_token"]

    assert second != webex.sandbox.settings["WEBEX_REFRESH_TOKEN"]
    assert webex.refresh().status == 400
    assert webex.refresh(refresh_token=second).status == 200


def test_a_call_without_a_live_token_is_refused(
    webex: WebexClient, clock: Clock, webex_options: WebexOptions
) -> None:
    webex_options.token_seconds = 3_600
    first = webex.refresh().body["access_token"]
    clock.advance(minutes=30)
    second = webex.refresh().body["access_token"]
    clock.advance(minutes=30)

    for token in ("", "made-up", first):
        reply = webex.get(SITES, token=token)
        assert (reply.status, reply.body["message"], causes(reply)) == (401, MISSING_TOKEN, [MISSING_TOKEN])
    assert webex.get(SITES, token=second).status == 200
    webex.sandbox.webex.access.revoke_all()
    assert webex.get(SITES, token=second).status == 401


def test_a_personal_token_is_good_for_every_call(webex: WebexClient, webex_options: WebexOptions) -> None:
    assert webex.get(SITES, token=webex_options.personal_token).status == 200
    webex_options.personal_token = ""
    assert webex.get(SITES, token="sandbox-webex-personal-token").status == 401


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/meetings?meetingType=meeting", "meeting:admin_schedule_read"),
        (f"/meetingReports/usage?siteUrl={MAIN}", "meeting:admin_config_read"),
        (f"/meetingReports/attendees?siteUrl={MAIN}&meetingTitle=x", "meeting:admin_config_read"),
        ("/meetingParticipants?meetingId=x", "meeting:admin_participants_read"),
        (SITES, "meeting:admin_preferences_read"),
    ],
)
def test_each_call_wants_its_own_scope(
    webex: WebexClient, webex_options: WebexOptions, path: str, scope: str
) -> None:
    assert webex.get(path).status != 403
    webex_options.scopes = tuple(one for one in webex_options.scopes if one != scope)

    reply = webex.get(path)

    assert reply.status == 403
    assert causes(reply) == [reply.body["message"]]


@pytest.mark.parametrize("path", ["/meeting", "/", "/admin/meetings", "/meetingParticipants/x"])
def test_an_unknown_path_is_not_found_without_causes(webex: WebexClient, path: str) -> None:
    reply = webex.get(path)

    assert (reply.status, causes(reply)) == (404, [])
    assert "errors" not in reply.body


def test_lists_are_for_reading(webex: WebexClient, webex_options: WebexOptions) -> None:
    headers = {"Authorization": f"Bearer {webex_options.personal_token}"}

    assert webex.send("POST", f"{API}{SITES}", headers).status == 405


def test_too_many_requests_are_told_when_to_come_again(webex: WebexClient, webex_options: WebexOptions) -> None:
    webex_options.rate_limits = True
    token = webex.refresh().body["access_token"]

    replies = [webex.get(SITES, token=token if n % 2 else None) for n in range(301)]

    # whatever token it is, its owner is the same
    assert [reply.status for reply in replies] == [200] * 300 + [429]
    assert replies[-1].headers["content-type"] == "text/html"
    assert 1 <= int(replies[-1].headers["retry-after"]) <= 60
    webex_options.rate_limits = False
    assert webex.get(SITES).status == 200


def test_the_limits_window_slides() -> None:
    seconds = 0.0
    limiter = Limiter(WebexOptions(rate_limit=3), lambda: seconds)
    for at in (0, 20, 59):
        seconds = at
        assert limiter.refusal() is None

    refused = limiter.refusal()
    assert refused is not None
    assert (refused.status, refused.headers) == (429, {"Retry-After": "1"})
    seconds = 60
    assert limiter.refusal() is None
    refused = limiter.refusal()
    assert refused is not None
    assert refused.headers == {"Retry-After": "20"}


def test_both_vendors_serve_whatever_the_mix(sandbox: Sandbox, webex: WebexClient) -> None:
    """Nothing of the first one's meetings is on Webex; the second's Zoom is as empty."""
    client = WebexClient(sandbox)
    nothing = client.get("/meetings", meetingType="meeting")
    client.close()

    assert (nothing.status, nothing.body) == (200, {"items": []})
    assert list(webex.sandbox.zoom.held(webex.sandbox.now().date(), webex.sandbox.now().date())) == []
    assert [seen.vendor for seen in sandbox.requests] == ["webex"]
