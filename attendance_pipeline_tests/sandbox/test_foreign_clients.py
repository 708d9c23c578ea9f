"""Clients that were not written here read the embedded vendors over HTTP, and count what is true.

Their libraries are imported where they are used: each costs about a second.
"""

import asyncio
import csv
import io
import logging
import unicodedata
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest

from attendance_pipeline.sandbox import Sandbox, TeamsOptions, WebexOptions
from attendance_pipeline.sandbox.truth import Truth

from .client import Clock
from .teams_client import TeamsClient

# few days with every kind: Microsoft's clients need a hundredth of a second for each object they read
FIRST, LAST = date(2026, 3, 12), date(2026, 3, 15)
NOW = datetime(2026, 3, 17, 12, tzinfo=UTC)
SINCE, UNTIL = "2026-03-12T00:00:00Z", "2026-03-16T00:00:00Z"
RECORDS_A_PAGE, EVENTS_A_PAGE, CALLS_A_PAGE, USERS_A_PAGE = 4, 20, 6, 10

Span = tuple[datetime, datetime]

pytestmark = [
    # both said by the Graph clients' own modules while they are imported
    pytest.mark.filterwarnings("ignore:GetQueryParameters is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings(
        "ignore:This class is deprecated. Please use the generic RequestConfiguration:DeprecationWarning"
    ),
]


@dataclass
class Row:
    """What any client says of one participant."""

    email: str
    name: str
    spans: list[Span]
    seconds: int
    """As the vendor counts it."""


@dataclass
class GraphFinds:
    """Everything that Microsoft's client finds of some days, in its own words."""

    truth: Truth
    calls: list[Any] = field(default_factory=list)
    users: list[Any] = field(default_factory=list)
    online: dict[str, tuple[str, Any]] = field(default_factory=dict)
    """By online meeting id, with its organizer's."""
    events: list[Any] = field(default_factory=list)
    sessions: list[Any] = field(default_factory=list)
    registrations: dict[str, Any] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    """What each report is of."""
    series: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    listed: dict[str, Any] = field(default_factory=dict)
    expanded: dict[str, tuple[Any, list[Any]]] = field(default_factory=dict)
    """Reports got by id, each with the records behind its next link."""
    refused: dict[str, Any] = field(default_factory=dict)
    records: dict[str, list[Any]] = field(default_factory=dict)
    unknown_report: Any = None


def asking(builder: Any, **options: Any) -> Any:
    """Query options for one of Microsoft's request builders."""
    from kiota_abstractions.base_request_configuration import RequestConfiguration

    parameters = getattr(builder, f"{type(builder).__name__}GetQueryParameters")
    return RequestConfiguration(query_parameters=parameters(**options))


@asynccontextmanager
async def graph(sandbox: Sandbox, version: str = "v1.0") -> AsyncIterator[Any]:
    """Microsoft's client of this version with the middleware that it has by default."""
    import httpx
    from kiota_abstractions.authentication import AuthenticationProvider
    from msgraph_core import GraphClientFactory

    if version == "beta":
        from msgraph_beta import GraphServiceClient
        from msgraph_beta.graph_request_adapter import GraphRequestAdapter, options
    else:
        from msgraph import GraphServiceClient
        from msgraph.graph_request_adapter import GraphRequestAdapter, options

    with closing(TeamsClient(sandbox)) as login:
        token = login.mint().body["access_token"]

    class Minted(AuthenticationProvider):
        async def authenticate_request(self, request: Any, additional_authentication_context: Any = None) -> None:
            request.headers.add("Authorization", f"Bearer {token}")

    # its own wrapper of a transport doesn't close it
    async with httpx.AsyncHTTPTransport() as transport, httpx.AsyncClient(transport=transport) as plain:
        http = GraphClientFactory.create_with_default_middleware(client=plain, options=options)
        adapter = GraphRequestAdapter(Minted(), http)
        adapter.base_url = f"{sandbox.settings['TEAMS_GRAPH_URL']}/{version}"
        yield GraphServiceClient(request_adapter=adapter)


async def everything(client: Any, first: Any, headers: Any = None) -> list[Any]:
    """All that a list holds, by the library's own iterator; its headers are those of the later pages."""
    from msgraph_core import PageIterator

    found: list[Any] = []

    def keep(item: Any) -> bool:
        found.append(item)
        return True

    pages = PageIterator(first, client.request_adapter)
    pages.headers.add_all(headers or {})
    await pages.iterate(keep)
    return found


async def find(sandbox: Sandbox) -> GraphFinds:
    finds = GraphFinds(sandbox.truth(FIRST, LAST))
    async with graph(sandbox) as client:
        calls = client.communications.call_records
        asked = asking(calls, filter=f"startDateTime ge {SINCE} and startDateTime lt {UNTIL}")
        asked.headers.add_all(smaller := {"Prefer": f"odata.maxpagesize={CALLS_A_PAGE}"})
        finds.calls = await everything(client, await calls.get(asked), smaller)
        users = client.users
        asked = asking(users, select=["id", "displayName", "mail"], top=USERS_A_PAGE)
        finds.users = await everything(client, await users.get(asked))
        await find_meetings(client, finds, sandbox.settings["TEAMS_TENANT_ID"])
        events = client.solutions.virtual_events
        await find_events(
            client, finds, "webinar", events.webinars, lambda of: events.webinars.by_virtual_event_webinar_id(of)
        )
        await find_events(
            client, finds, "town_hall", events.townhalls, lambda of: events.townhalls.by_virtual_event_townhall_id(of)
        )
    return finds


async def find_meetings(client: Any, finds: GraphFinds, tenant_id: str) -> None:
    from msgraph.generated.models.o_data_errors.o_data_error import ODataError

    for call in finds.calls:
        user = call.organizer_v2.identity.user
        if not call.join_web_url or str(user.additional_data["tenantId"]) != tenant_id:
            continue
        online = client.users.by_user_id(user.id).online_meetings
        found = await online.get(asking(online, filter=f"JoinWebUrl eq '{call.join_web_url}'"))
        finds.online |= {one.id: (user.id, one) for one in found.value}
    for meeting_id, (user_id, _) in finds.online.items():
        meeting = client.users.by_user_id(user_id).online_meetings.by_online_meeting_id(meeting_id)
        await find_reports(client, finds, "meeting", meeting_id, meeting.attendance_reports)
    unknown = meeting.attendance_reports.by_meeting_attendance_report_id("00000000-0000-0000-0000-000000000000")
    with pytest.raises(ODataError) as refused:
        await unknown.get()
    finds.unknown_report = refused.value


async def find_events(client: Any, finds: GraphFinds, kind: str, listed: Any, by_id: Any) -> None:
    for event in await everything(client, await listed.get()):
        if ended_on(event) < FIRST:
            continue
        finds.events.append(event)
        one = by_id(event.id)
        for session in (await one.sessions.get()).value:
            if ended_on(session) < FIRST:
                continue
            finds.sessions.append(session)
            reports = one.sessions.by_virtual_event_session_id(session.id).attendance_reports
            await find_reports(client, finds, kind, event.id, reports)
        if any(event.id in series for series in finds.series.values()):
            for registration in await everything(client, await one.registrations.get()):
                finds.registrations[registration.id] = registration


def ended_on(event: Any) -> date:
    return datetime.fromisoformat(event.end_date_time.date_time).date()


async def find_reports(client: Any, finds: GraphFinds, kind: str, series: str, reports: Any) -> None:
    from msgraph.generated.models.o_data_errors.o_data_error import ODataError

    for listed in (await reports.get()).value:
        if not FIRST <= listed.meeting_end_date_time.date() <= LAST:
            continue
        finds.series[listed.id].add(series)
        if listed.id in finds.listed:
            continue
        finds.kinds[listed.id], finds.listed[listed.id] = kind, listed
        report = reports.by_meeting_attendance_report_id(listed.id)
        finds.records[listed.id] = await everything(client, await report.attendance_records.get())
        try:
            whole = await report.get(asking(report, expand=["attendanceRecords"]))
        except ODataError as error:
            finds.refused[listed.id] = error
            continue
        following = whole.additional_data.get("attendanceRecords@odata.nextLink")
        rest = (
            await everything(client, await report.attendance_records.with_url(following).get()) if following else []
        )
        finds.expanded[listed.id] = whole, rest


@pytest.fixture(scope="module")
def graph_sandbox() -> Iterator[Sandbox]:
    options = TeamsOptions(rate_limits=False, records_page_size=RECORDS_A_PAGE, events_page_size=EVENTS_A_PAGE)
    with Sandbox(size="small", mix={"teams": 1}, clock=Clock(NOW), teams=options) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def found(graph_sandbox: Sandbox) -> GraphFinds:
    return asyncio.run(find(graph_sandbox))


def test_msgraph_sdk_finds_every_report_and_no_other(found: GraphFinds) -> None:
    told = {one.vendor_meeting_id: one for one in found.truth.meetings if one.kind != "live_event"}

    assert found.listed.keys() == told.keys()
    assert set(found.kinds.values()) == {"meeting", "webinar", "town_hall"}
    for name, meeting in told.items():
        report = found.listed[name]
        assert found.kinds[name] == meeting.kind
        assert meeting.series_id in found.series[name]
        assert (report.meeting_start_date_time, report.meeting_end_date_time) == (
            meeting.started_at,
            meeting.ended_at,
        )
        assert report.total_participant_count == len(found.records[name]) == meeting.vendor_attendee_count
        (host,) = (one.email_address for one in found.records[name] if one.role == "Organizer")
        assert host == meeting.host_email


def test_msgraph_sdk_counts_what_is_true(found: GraphFinds) -> None:
    emails = {name: one.email for name, one in found.registrations.items()}
    rows = {name: [graph_row(one, emails) for one in records] for name, records in found.records.items()}

    agree(found.truth, rows)
    joins = {name: sum(len(row.spans) for row in held) for name, held in rows.items()}
    assert joins == {
        one.vendor_meeting_id: one.join_count for one in found.truth.meetings if one.kind != "live_event"
    }
    assert Counter(
        (name, row.name, *span) for name, held in rows.items() for row in held for span in row.spans
    ) == Counter(
        (one.vendor_meeting_id, one.display_name, one.joined_at, one.left_at)
        for one in found.truth.intervals
        if one.vendor_meeting_id in rows
    )


def test_msgraph_sdk_reads_a_report_expanded_by_its_records(found: GraphFinds) -> None:
    """As many as a page holds, the others behind the link beside them; not those of channels, which Graph refuses."""
    assert found.expanded.keys() | found.refused.keys() == found.records.keys()
    paged = 0
    for name, (report, rest) in found.expanded.items():
        assert len(report.attendance_records) == min(RECORDS_A_PAGE, report.total_participant_count)
        assert [comparable(one) for one in report.attendance_records + rest] == [
            comparable(one) for one in found.records[name]
        ]
        paged += bool(rest)
    assert paged
    assert found.refused.keys() >= {name for name, series in found.series.items() if len(series) > 1} != set()
    assert {(one.response_status_code, one.error.code, one.error.message) for one in found.refused.values()} == {
        (400, "BadRequest", "Get meetingAttendanceReport is not supported for channel meetings.")
    }


def test_msgraph_sdk_pages_lists(found: GraphFinds, graph_sandbox: Sandbox) -> None:
    asked = Counter(one.path.rpartition("/")[2] for one in graph_sandbox.requests)

    assert len({call.id for call in found.calls}) == len(found.calls) > CALLS_A_PAGE
    assert asked["callRecords"] == -(-len(found.calls) // CALLS_A_PAGE)
    known = [one for one in graph_sandbox.organisation.employees if one.status != "deleted"]
    assert asked["users"] == -(-len(known) // USERS_A_PAGE) > 1
    assert Counter((one.display_name, one.mail) for one in found.users) == Counter(
        (one.name, one.email) for one in known
    )
    assert asked["townhalls"] > 1
    assert asked["webinars"] > 1
    called = {(call.start_date_time, call.end_date_time) for call in found.calls}
    lives = {(one.started_at, one.ended_at) for one in found.truth.meetings if one.kind == "live_event"}
    assert lives
    assert lives <= called


def test_msgraph_sdk_knows_every_field(found: GraphFinds) -> None:
    """What its models have no name for it keeps aside: nothing but the tenant, which Graph sends unasked."""
    seen = {
        "records": found.records,
        "reports": [report for report, _ in found.expanded.values()],
        "meetings": [meeting for _, meeting in found.online.values()],
        "events": found.events,
        "sessions": found.sessions,
        "registrations": list(found.registrations.values()),
        "users": found.users,
    }

    assert {name: set(unknown(things)) for name, things in seen.items()} == {
        "records": {"Identity.tenantId"},
        "reports": {"Identity.tenantId"},
        "meetings": {"Identity.tenantId"},
        "events": {"Identity.tenantId"},
        "sessions": set(),
        "registrations": set(),
        "users": set(),
    }


def test_msgraph_sdk_understands_errors(found: GraphFinds) -> None:
    error = found.unknown_report

    assert (error.response_status_code, error.error.code) == (400, "BadRequest")
    assert error.error.message.startswith("Index was out of range")
    assert error.error.inner_error.request_id
    assert error.error.inner_error.date


def test_msgraph_beta_sdk_reads_the_latest_report_and_live_events() -> None:
    options = TeamsOptions(rate_limits=False, channels=False)
    with Sandbox(size="small", mix={"teams": 1}, clock=Clock(NOW), teams=options) as sandbox:
        truth = sandbox.truth(date(2026, 3, 14), NOW.date())
        ready = [one for one in truth.meetings if one.report_ready_at <= NOW]
        latest = {one.series_id: one for one in ready if one.kind == "meeting"}
        lives = {one.series_id: one for one in ready if one.kind == "live_event"}
        reports, sheets, films = asyncio.run(
            read_beta(sandbox, [(one.host_email, one.series_id) for one in latest.values()], lives)
        )
        leaks, downloads = list(sandbox.teams.leaks), [one for one in sandbox.requests if "/resource/" in one.path]

    assert len(reports) > 5
    for series, report in reports.items():
        meeting = latest[series]
        assert report.id == meeting.vendor_meeting_id
        assert (report.meeting_start_date_time, report.meeting_end_date_time) == (
            meeting.started_at,
            meeting.ended_at,
        )
    kept = {one.id: [graph_row(record, {}) for record in one.attendance_records] for one in reports.values()}
    agree(truth, kept)

    assert sheets.keys() == lives.keys() != set()
    for name, text in sheets.items():
        _, *lines = csv.reader(io.StringIO(text.decode()))
        joins = {line[0]: line for line in lines if line[5] == "Joined"}
        meeting = lives[name]
        assert len(joins) == meeting.join_count == meeting.vendor_attendee_count
        shown = Counter((line[2], american(line[4])) for line in joins.values())
        assert shown == Counter(
            (one.display_name, one.joined_at) for one in truth.intervals if one.vendor_meeting_id == name
        )
    assert films
    assert all(film[4:8] == b"ftyp" for film in films)
    # it follows redirects by itself, and takes the token off the request first
    assert [one.status for one in downloads] == [200] * (len(sheets) + len(films))
    assert leaks == []


async def read_beta(
    sandbox: Sandbox, meetings: list[tuple[str, str]], lives: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, bytes], list[bytes]]:
    """The latest report of each series by its host's address, live events' attendees and films."""
    reports, sheets, films = {}, {}, []
    async with graph(sandbox, "beta") as client:
        users = await everything(client, await client.users.get(asking(client.users, select=["id", "mail"])))
        ids = {one.mail: one.id for one in users}

        def meeting(host: str, series: str) -> Any:
            return client.users.by_user_id(ids[host]).online_meetings.by_online_meeting_id(series)

        for host, series in meetings:
            if host in ids:
                latest = meeting(host, series).meeting_attendance_report
                reports[series] = await latest.get(asking(latest, expand=["attendanceRecords"]))
        for series, one in lives.items():
            live = meeting(one.host_email, series)
            sheets[series] = await live.attendee_report.get()
            films += [await live.recording.get(), await live.alternative_recording.get()]
    return reports, sheets, films


def test_wxc_sdk_counts_what_is_true(caplog: pytest.LogCaptureFixture) -> None:
    from wxc_sdk import WebexSimpleApi
    from wxc_sdk.integration import Integration
    from wxc_sdk.rest import RestSession
    from wxc_sdk.tokens import Tokens

    options = WebexOptions(rate_limits=False, participants_link=True)
    with Sandbox(size="small", mix={"webex": 1}, clock=Clock(NOW), webex=options) as sandbox:
        settings = sandbox.settings
        tokens = Tokens(refresh_token=settings["WEBEX_REFRESH_TOKEN"])
        Integration(
            client_id=settings["WEBEX_CLIENT_ID"],
            client_secret=settings["WEBEX_CLIENT_SECRET"],
            scopes="",
            redirect_url="",
            token_service=settings["WEBEX_API_URL"] + "/access_token",
        ).refresh(tokens)

        class Session(RestSession):
            BASE = settings["WEBEX_API_URL"]

        first = date(2026, 3, 9)
        window = {"from_": "2026-03-07T00:00:00Z", "to_": UNTIL}
        with caplog.at_level(logging.WARNING, "wxc_sdk"), Session(tokens=tokens, concurrent_requests=1) as session:
            meetings = WebexSimpleApi(tokens=tokens, session=session).meetings
            listed = {one.id: one for one in meetings.list(meeting_type="meeting", state="ended", max=7, **window)}
            truth = sandbox.truth(first, LAST)
            people = {
                one.vendor_meeting_id: list(meetings.participants.list_participants(one.vendor_meeting_id, max=50))
                for one in truth.meetings
            }

    # an enumeration that met an unknown value would say so
    assert [record.getMessage() for record in caplog.records] == []
    ended = {name: one for name, one in listed.items() if first <= moment(one.end).date() <= LAST}
    assert ended.keys() == people.keys()
    assert len(ended) > 20
    assert max(map(len, people.values())) > 100
    for meeting in truth.meetings:
        one = ended[meeting.vendor_meeting_id]
        assert (one.title, one.host_email, one.scheduled_type) == (meeting.title, meeting.host_email, meeting.kind)
        assert (moment(one.start), moment(one.end)) == (meeting.started_at, meeting.ended_at)
    assert {one.state for held in people.values() for one in held} == {"end"}
    for one in (one for held in people.values() for one in held):
        assert moment(one.joined_time) == min(moment(device.joined_time) for device in one.devices)
        assert moment(one.left_time) == max(moment(device.left_time) for device in one.devices)
    agree(truth, {name: [webex_row(one) for one in held] for name, held in people.items()})


def test_wxc_sdk_understands_errors() -> None:
    from wxc_sdk import WebexSimpleApi
    from wxc_sdk.rest import RestError, RestSession
    from wxc_sdk.tokens import Tokens

    def refusal(rows: Iterable[Any]) -> tuple[int, str, bool]:
        # an error that is kept keeps its connection open
        try:
            list(rows)
        except RestError as error:
            return error.response.status_code, error.description, bool(error.detail.tracking_id)
        raise AssertionError("not refused")

    with Sandbox(size="small", mix={"webex": 1}, clock=Clock(NOW)) as sandbox:
        tokens = Tokens(access_token=sandbox.webex.options.personal_token)

        class Session(RestSession):
            BASE = sandbox.settings["WEBEX_API_URL"]

        with Session(tokens=tokens, concurrent_requests=1) as session:
            meetings = WebexSimpleApi(tokens=tokens, session=session).meetings
            unknown_id = refusal(meetings.participants.list_participants("nothing"))
            tokens.access_token = "never minted"
            unknown_token = refusal(meetings.list(meeting_type="meeting"))

    assert unknown_id == (400, "Invalid value on 'meetingId' field.", True)
    assert (unknown_token[0], unknown_token[2]) == (401, True)


def graph_row(record: Any, registered: dict[str, str]) -> Row:
    spans = [(one.join_date_time, one.leave_date_time) for one in record.attendance_intervals]
    assert [int((left - joined).total_seconds()) for joined, left in spans] == [
        one.duration_in_seconds for one in record.attendance_intervals
    ]
    email = record.email_address or registered.get(record.registration_id, "")
    return Row(email, record.identity.display_name, spans, record.total_attendance_in_seconds)


def comparable(record: Any) -> tuple[Any, ...]:
    """What compares: its models hold their tenants' ids as objects that differ."""
    row = graph_row(record, {})
    return record.id, record.role, record.registration_id, row.email, row.name, row.spans, row.seconds


def webex_row(participant: Any) -> Row:
    spans = [(moment(one.joined_time), moment(one.left_time)) for one in participant.devices]
    seconds = sum(one.duration_second for one in participant.devices)
    return Row(participant.email or "", participant.display_name, spans, seconds)


def agree(truth: Truth, told: dict[str, list[Row]]) -> None:
    """Rows, people, seconds present, first joins and last leaves of every meeting told are those of the truth."""
    meetings = {one.vendor_meeting_id: one for one in truth.meetings}
    for name, rows in told.items():
        meeting = meetings[name]
        people = {who: sorted(span for row in held for span in row.spans) for who, held in by_person(rows).items()}
        assert len(rows) == meeting.vendor_attendee_count
        assert len(people) == meeting.attendee_count
        assert sum(row.seconds for row in rows) == meeting.device_seconds
        assert sum(len(present(spans)) for spans in people.values()) == meeting.attended_seconds
        assert Counter(
            (who if "@" in who else None, len(present(spans)), spans[0][0], max(left for _, left in spans))
            for who, spans in people.items()
        ) == Counter(
            (one.email, one.attended_seconds, one.first_joined_at, one.last_left_at)
            for one in truth.attendees
            if one.vendor_meeting_id == name
        )


def by_person(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows by e-mail address; a name alone belongs to the one who has that name, or else to nobody but itself."""
    rows = list(rows)
    owners = {fold(row.name): row.email for row in rows if row.email}
    people: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        people[row.email or owners.get(fold(row.name), fold(row.name))].append(row)
    return people


def present(spans: Iterable[Span]) -> set[int]:
    held: set[int] = set()
    for joined, left in spans:
        held.update(range(int(joined.timestamp()), int(left.timestamp())))
    return held


def fold(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def american(text: str) -> datetime:
    return datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC)


def unknown(thing: Any) -> Iterator[str]:
    """Fields that a model, or any within it, has no name for."""
    if isinstance(thing, dict):
        thing = list(thing.values())
    if isinstance(thing, list):
        for one in thing:
            yield from unknown(one)
    elif is_dataclass(thing):
        for name in getattr(thing, "additional_data", ()):
            if "@odata." not in name:
                yield f"{type(thing).__name__}.{name}"
        for one in fields(thing):
            if one.name != "additional_data":
                yield from unknown(getattr(thing, one.name))
