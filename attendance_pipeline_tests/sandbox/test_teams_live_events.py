"""What is kept of live events, and the host that it is fetched from."""

import http.client
from contextlib import closing
from urllib.parse import urlsplit

from attendance_pipeline.sandbox import TeamsOptions
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer

from .client import Clock
from .teams_client import TeamsClient, an_occurrence, error, path_of


def fetch(link: str, headers: dict[str, str] | None = None, method: str = "GET") -> tuple[int, str, bytes]:
    with closing(http.client.HTTPConnection(urlsplit(link).netloc, timeout=20)) as connection:
        connection.request(method, urlsplit(link).path, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.headers["Content-Type"], response.read()


def test_a_live_events_link_leads_elsewhere_for_a_minute(teams: TeamsClient, clock: Clock) -> None:
    occurrence = an_occurrence(teams.sandbox, "live_event")
    path = path_of(teams.sandbox, occurrence)
    (reply, beta) = (teams.get(f"{path}/attendeeReport", version=version) for version in ("v1.0", "beta"))
    assert (reply.status, beta.status) == (302, 302)
    link = reply.headers["location"]
    assert link != beta.headers["location"]
    assert link.startswith(f"{teams.sandbox.downloads_url}/broadcast/")
    assert urlsplit(link).netloc != urlsplit(teams.sandbox.url).netloc
    assert urlsplit(link).hostname == urlsplit(teams.sandbox.url).hostname
    assert not urlsplit(link).query

    assert fetch(link)[:2] == (200, "text/csv;charset=UTF-8")
    clock.advance(seconds=59)
    assert fetch(link)[0] == 200
    clock.advance(seconds=1)
    assert fetch(link)[0] == 403
    assert fetch(f"{teams.sandbox.downloads_url}/broadcast/made-up/resource/attendeeReport")[0] == 403
    assert teams.sandbox.teams.leaks == []
    assert [seen.vendor for seen in teams.sandbox.requests[-4:]] == ["teams"] * 4


def test_a_token_sent_to_the_download_host_is_noted(teams: TeamsClient) -> None:
    link = teams.get(f"{path_of(teams.sandbox, an_occurrence(teams.sandbox, 'live_event'))}/attendeeReport").headers[
        "location"
    ]

    assert fetch(link, {"authorization": f"Bearer {teams.token}"})[0] == 400
    assert teams.sandbox.teams.leaks == [urlsplit(link).path]
    assert fetch(link)[0] == 200, "whoever tries again without it gets the file"
    assert fetch(link, method="POST")[0] == 405


def test_recordings_are_linked_in_beta(teams: TeamsClient) -> None:
    path = path_of(teams.sandbox, an_occurrence(teams.sandbox, "live_event"))
    for name in ("recording", "alternativeRecording"):
        reply = teams.get(f"{path}/{name}", version="beta")
        assert reply.status == 302
        assert reply.headers["location"].endswith(f"/resource/{name}")
        assert fetch(reply.headers["location"])[:2] == (200, "video/mp4")


def test_a_batch_may_ask_for_links(teams: TeamsClient) -> None:
    path = path_of(teams.sandbox, an_occurrence(teams.sandbox, "live_event"))
    (one,) = teams.batch({"id": "1", "method": "GET", "url": f"{path}/attendeeReport"}).body["responses"]
    assert one["status"] == 302
    assert "body" not in one
    assert fetch(one["headers"]["Location"])[0] == 200


def test_live_events_can_be_gone(teams: TeamsClient, teams_options: TeamsOptions) -> None:
    occurrence = an_occurrence(teams.sandbox, "live_event")
    path = path_of(teams.sandbox, occurrence)
    day = occurrence.ended_at.date()
    assert any(one.kind == "live_event" for one in teams.sandbox.truth(day, day).meetings)

    teams_options.live_events = "gone"
    failed = (400, "BadRequest", "An error has occurred.")
    assert error(teams.get(f"{path}/attendeeReport")) == failed
    assert error(teams.get(f"{path}/recording", version="beta")) == failed
    assert not any(one.kind == "live_event" for one in teams.sandbox.truth(day, day).meetings)


def test_only_live_events_have_attendee_reports(teams: TeamsClient, clock: Clock) -> None:
    meeting = an_occurrence(teams.sandbox, "meeting")
    reply = teams.get(f"{path_of(teams.sandbox, meeting)}/attendeeReport")
    assert error(reply) == (400, "BadRequest", "An error has occurred.")
    live = an_occurrence(teams.sandbox, "live_event")
    clock.now = live.ended_at
    teams.token = ""
    assert error(teams.get(f"{path_of(teams.sandbox, live)}/attendeeReport"))[:2] == (404, "NotFound")


def test_the_hook_sees_downloads(teams: TeamsClient) -> None:
    path = path_of(teams.sandbox, an_occurrence(teams.sandbox, "live_event"))
    link = teams.get(f"{path}/attendeeReport").headers["location"]

    def hook(vendor: str, call: Call) -> Answer | None:
        return json_answer(503, {}) if call.path.startswith("/broadcast/") else None

    teams.sandbox.hook = hook
    assert fetch(link)[0] == 503
