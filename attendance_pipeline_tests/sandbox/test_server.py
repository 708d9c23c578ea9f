import socket
import threading
import warnings
from datetime import UTC, date, datetime

import pytest

from attendance_pipeline.sandbox import Sandbox, ZoomOptions
from attendance_pipeline.sandbox.wire import Answer, Call

from .client import Client, Clock, once

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 15)


def test_the_settings_point_at_it(sandbox: Sandbox) -> None:
    assert sandbox.url.startswith("http://127.0.0.1:")
    assert set(sandbox.settings) == {
        *("ZOOM_ACCOUNT_ID", "ZOOM_CLIENT_ID", "ZOOM_CLIENT_SECRET"),
        *("ZOOM_API_URL", "ZOOM_TOKEN_URL", "ZOOM_PLAN"),
        *("WEBEX_CLIENT_ID", "WEBEX_CLIENT_SECRET", "WEBEX_REFRESH_TOKEN", "WEBEX_API_URL"),
        *("TEAMS_TENANT_ID", "TEAMS_CLIENT_ID", "TEAMS_CLIENT_SECRET", "TEAMS_GRAPH_URL", "TEAMS_LOGIN_URL"),
    }
    assert sandbox.settings["ZOOM_API_URL"] == f"{sandbox.url}/zoom/v2"
    assert sandbox.settings["ZOOM_TOKEN_URL"] == f"{sandbox.url}/zoom/oauth/token"
    assert sandbox.settings["WEBEX_API_URL"] == f"{sandbox.url}/webex/v1"
    assert sandbox.settings["TEAMS_GRAPH_URL"] == f"{sandbox.url}/graph"
    assert sandbox.settings["TEAMS_LOGIN_URL"] == f"{sandbox.url}/login"
    assert sandbox.downloads_url.startswith("http://127.0.0.1:")
    assert sandbox.downloads_url != sandbox.url


def test_it_answers_the_same_whenever_it_was_started() -> None:
    answers = []
    for now in (datetime(2026, 3, 16, tzinfo=UTC), datetime(2026, 5, 2, 11, 7, 13, tzinfo=UTC)):
        options = ZoomOptions(rate_limits=False)
        with Sandbox(size="small", mix={"zoom": 1}, clock=Clock(now), zoom=options) as sandbox:
            client = Client(sandbox)
            answers.append(
                [
                    client.pages("/report/history_meetings", "history_meetings", from_=FIRST, to=LAST),
                    sandbox.truth(FIRST, LAST).meetings,
                    sandbox.truth(FIRST, LAST).intervals,
                ]
            )
            client.close()

    assert answers[0] == answers[1]


def test_the_truth_is_told_over_http(client: Client, sandbox: Sandbox) -> None:
    told = client.send("GET", f"/truth?from={FIRST}&to={LAST}")
    truth = sandbox.truth(FIRST, LAST)

    assert told.body["totals"] == truth.totals()
    assert len(told.body["meetings"]) == told.body["totals"]["meetings"]
    assert len(told.body["attendees"]) == told.body["totals"]["attendees"]
    assert len(told.body["intervals"]) == told.body["totals"]["intervals"]
    meeting = told.body["meetings"][0]
    assert meeting["vendor_meeting_id"] == truth.meetings[0].vendor_meeting_id
    assert datetime.fromisoformat(meeting["ended_at"]) == truth.meetings[0].ended_at
    assert client.send("GET", "/truth").status == 400
    assert {"Zoom", "Webex", "Teams"} <= set(client.send("GET", "/").body.split())


def test_every_request_to_a_vendor_is_noted_as_it_was_sent(client: Client, sandbox: Sandbox) -> None:
    client.get("/report/meetings/%252Fabc%3D%3D/participants", page_size=300, include_fields="registrant_id")
    client.send("GET", "/")

    token, report = sandbox.requests
    assert (token.method, token.path, token.status, token.label) == ("POST", "/zoom/oauth/token", 200, "")
    assert report.path == "/zoom/v2/report/meetings/%252Fabc%3D%3D/participants"
    assert report.query == {"page_size": "300", "include_fields": "registrant_id"}
    assert (report.vendor, report.status, report.label) == ("zoom", 404, "HEAVY")
    assert report.at == sandbox.now()


def test_the_hook_may_answer_in_the_vendors_place(client: Client, sandbox: Sandbox) -> None:
    def hook(vendor: str, call: Call) -> Answer | None:
        return Answer(503, b"<html>", content_type="text/html") if call.path.endswith("/users") else None

    sandbox.hook = hook

    assert (client.get("/users").status, client.get("/users").body) == (503, "<html>")
    assert client.get(f"/report/meetings/{once('x')}").status == 404
    assert [seen.status for seen in sandbox.requests[-3:]] == [503, 503, 404]


def test_it_can_be_started_again_and_stopped_twice() -> None:
    sandbox = Sandbox(size="small", clock=Clock())
    for _ in range(2):
        sandbox.start()
        client = Client(sandbox)
        assert client.get("/users").status == 200
        client.close()
        sandbox.stop()
        sandbox.stop()


def test_a_port_that_is_taken_is_told_to_whoever_starts_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        sandbox = Sandbox(size="small", port=taken.getsockname()[1])
        with pytest.raises(OSError, match="address already in use"):
            sandbox.start()


def test_it_stops_quietly_with_connections_open() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Sandbox(size="small", clock=Clock()) as sandbox:
            client = Client(sandbox)
            client.get("/users")
        client.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "sandbox"]


def test_answers_can_be_slow(client: Client, options: ZoomOptions) -> None:
    client.get("/users")
    options.latency_seconds = 0.05

    started = datetime.now(UTC)
    client.get("/users")

    assert (datetime.now(UTC) - started).total_seconds() >= 0.05
