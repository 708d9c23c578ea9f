import pytest

from attendance_pipeline.sandbox import Sandbox, ZoomOptions

from .client import Client, Clock

EXPIRED = (401, 124, "Access token is expired.")
RANGE = {"from_": "2026-03-01", "to": "2026-03-16"}


@pytest.mark.parametrize("in_query", [False, True])
def test_credentials_buy_a_token(client: Client, in_query: bool) -> None:
    reply = client.mint(in_query=in_query)

    assert reply.status == 200
    assert set(reply.body) == {"access_token", "token_type", "expires_in", "scope", "api_url"}
    assert (reply.body["token_type"], reply.body["expires_in"]) == ("bearer", 3600)
    assert "report:read:meeting:admin" in reply.body["scope"].split(" ")
    assert client.get("/users", token=reply.body["access_token"]).status == 200


def test_a_token_can_die_before_its_time(client: Client, sandbox: Sandbox) -> None:
    token = client.mint().body["access_token"]
    sandbox.zoom.access.revoke_all()

    assert client.get("/users", token=token).status == 401
    assert client.get("/users", token=client.mint().body["access_token"]).status == 200


def test_wrong_credentials_are_told_in_the_token_endpoints_own_form(client: Client) -> None:
    assert client.mint(secret="wrong").body == {
        "reason": "Invalid client_id or client_secret",
        "error": "invalid_client",
    }
    assert client.mint(grant_type="client_credentials").body["error"] == "unsupported_grant_type"
    reply = client.mint(account_id="another")
    assert (reply.status, reply.body) == (
        400,
        {"reason": "Account does not exist", "error": "invalid_request"},
    )


def test_a_call_without_a_live_token_is_refused(client: Client, clock: Clock) -> None:
    first = client.mint().body["access_token"]
    clock.advance(seconds=1800)
    second = client.mint().body["access_token"]
    clock.advance(seconds=1800)

    assert client.get("/users", token="").error == EXPIRED
    assert client.get("/users", token=first).error == EXPIRED
    assert client.get("/users", token="made-up").error == (401, 124, "Invalid access token.")
    assert client.get("/users", token=second).status == 200


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/users", "user:read:list_users:admin"),
        ("/report/users", "report:read:list_users:admin"),
        ("/report/users/x/meetings", "report:read:user:admin"),
        ("/report/history_meetings", "report:read:list_history_meetings:admin"),
        ("/report/meetings/x", "report:read:meeting:admin"),
        ("/report/meetings/x/participants", "report:read:list_meeting_participants:admin"),
        ("/report/webinars/x", "report:read:webinar:admin"),
        ("/report/webinars/x/participants", "report:read:list_webinar_participants:admin"),
        ("/past_meetings/1/instances", "meeting:read:list_past_instances:admin"),
        ("/past_webinars/1/instances", "webinar:read:list_past_instances:admin"),
        ("/metrics/meetings/x/participants", "dashboard:read:list_meeting_participants:admin"),
    ],
)
def test_each_call_wants_its_own_scope(client: Client, options: ZoomOptions, path: str, scope: str) -> None:
    options.scopes = tuple(one for one in options.scopes if one != scope)

    text = f"Invalid access token, does not contain scopes:[{scope}]."
    assert client.get(path).error == (400, 4711, text)


def test_the_daily_report_wants_no_scope(client: Client, options: ZoomOptions) -> None:
    options.scopes = ()

    assert client.get("/report/daily").status == 200


@pytest.mark.parametrize("path", ["/report/meeting", "/meetings/1", "/", "/report/users/x"])
def test_an_unknown_path_is_not_recognized(client: Client, path: str) -> None:
    assert client.get(path).error == (400, 2300, "This API endpoint is not recognized.")


@pytest.mark.parametrize(("plan", "allowed"), [("pro", 10), ("business", 40)])
def test_heavy_calls_a_second_are_limited_by_plan(
    client: Client, options: ZoomOptions, plan: str, allowed: int
) -> None:
    options.rate_limits, options.plan = True, plan  # type: ignore[assignment]

    replies = [client.get("/report/meetings/1") for _ in range(allowed * 3)]

    refused = [reply for reply in replies if reply.status == 429]
    assert len(replies) - len(refused) >= allowed
    assert refused[0].body == {
        "code": 429,
        "message": "You have reached the maximum per-second rate limit for this API. Try again later.",
    }
    assert refused[0].headers["x-ratelimit-type"] == "QPS"
    assert refused[0].headers["x-ratelimit-category"] == "Heavy"
    assert refused[0].headers["x-ratelimit-limit"] == str(allowed)
    assert refused[0].headers["x-ratelimit-remaining"] == "0"
    assert "retry-after" not in refused[0].headers


def test_labels_are_limited_apart(client: Client, options: ZoomOptions) -> None:
    options.rate_limits = True
    while client.get("/report/meetings/1").status != 429:
        pass

    medium = client.get("/users")

    assert (medium.status, medium.headers["x-ratelimit-category"]) == (200, "Medium")


def test_the_day_of_heavy_calls_ends_at_midnight_utc(client: Client, clock: Clock, options: ZoomOptions) -> None:
    options.rate_limits, options.daily_limit = True, 3
    for _ in range(3):
        assert client.get("/report/users", **RANGE).status == 200

    refused = client.get("/report/users", **RANGE)

    assert refused.status == 429
    assert refused.body["message"].startswith("You have reached the maximum daily rate limit for this API.")
    assert refused.headers["x-ratelimit-type"] == "Daily-limit"
    assert refused.headers["x-ratelimit-limit"] == "3"
    assert refused.headers["retry-after"] == "2026-03-17T00:00:00Z"
    assert client.get("/users").status == 200
    clock.advance(hours=9)
    assert client.get("/report/users", **RANGE).status == 200


def test_limit_headers_come_in_mixed_case(client: Client) -> None:
    names = [name for name in client.get("/users").header_names if name.lower().startswith("x-ratelimit")]

    assert names == ["X-RateLimit-Category", "x-ratelimit-limit", "X-Ratelimit-Remaining"]
