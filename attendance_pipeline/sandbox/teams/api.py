"""The strict Graph API: who may call what, how often; what is answered is the tenant's parts' matter.

Takes a call, gives an answer; knows nothing of sockets.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime

from attendance_pipeline.sandbox.model import Series
from attendance_pipeline.sandbox.organisation import Organisation
from attendance_pipeline.sandbox.teams import batch
from attendance_pipeline.sandbox.teams.calls import Calls
from attendance_pipeline.sandbox.teams.directory import Directory
from attendance_pipeline.sandbox.teams.errors import THROTTLED, UNPRIVILEGED, GraphError, bad_request
from attendance_pipeline.sandbox.teams.events import Events
from attendance_pipeline.sandbox.teams.limits import Limiter
from attendance_pipeline.sandbox.teams.live import Downloads, LiveEvents
from attendance_pipeline.sandbox.teams.meetings import Meetings
from attendance_pipeline.sandbox.teams.options import TeamsOptions
from attendance_pipeline.sandbox.teams.presence import email_shown
from attendance_pipeline.sandbox.teams.reports import Reports
from attendance_pipeline.sandbox.teams.routes import API, BATCH, VERSIONS, request_of
from attendance_pipeline.sandbox.teams.tenant import Tenant
from attendance_pipeline.sandbox.teams.tokens import Grants
from attendance_pipeline.sandbox.truth import Held
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer

LOGIN = "/login"

# of the example on the page about throttling
BATCH_WAIT = 2.128

Ask = Callable[[Call, Callable[[Call], Answer]], Answer]


class TeamsApi:
    """One tenant, holding the meetings and events that ours has there.

    Attributes:
        ask: Gets each item of a batch with what answers it; may be replaced by whoever wants to see them first.
    """

    def __init__(self, organisation: Organisation, options: TeamsOptions, now: Callable[[], datetime]) -> None:
        self.organisation = organisation
        self.options = options
        self.now = now
        self.access = Grants(options, now)
        self.downloads = Downloads(options, now)
        self.limiter = Limiter(options)
        self.tenant = Tenant(organisation, options, now, self.access.credentials.client_id)
        self.ask: Ask = lambda item, answer: answer(item)
        reports = Reports(self.tenant)
        self._parts = {
            "calls": Calls(self.tenant),
            "directory": Directory(self.tenant),
            "meetings": Meetings(self.tenant),
            "reports": reports,
            "events": Events(self.tenant, reports),
            "live": LiveEvents(self.tenant, self.downloads),
        }

    @property
    def leaks(self) -> list[str]:
        """What the download host was asked for with an Authorization header."""
        return self.downloads.leaks

    def settings(self, url: str) -> dict[str, str]:
        """The environment variables that point a client at this tenant."""
        credentials = self.access.credentials
        return {
            "TEAMS_TENANT_ID": credentials.tenant_id,
            "TEAMS_CLIENT_ID": credentials.client_id,
            "TEAMS_CLIENT_SECRET": credentials.client_secret,
            "TEAMS_GRAPH_URL": url + API,
            "TEAMS_LOGIN_URL": url + LOGIN,
        }

    def held(self, first: date, last: date) -> Iterator[Held]:
        """Everything that ended on these UTC dates (inclusive) and that Graph tells of, for the truth."""
        tenant = self.tenant
        for occurrence in self.organisation.ended_between(first, last):
            if occurrence.vendor != "teams" or self._is_untold(occurrence.series):
                continue
            live = occurrence.kind == "live_event"
            series_id = tenant.identity.series_id(occurrence.series)
            yield Held(
                # a meeting's title is its series': nothing else of Graph has one
                occurrence=replace(
                    occurrence,
                    title=occurrence.series.title,
                    report_ready_at=tenant.settling.report_at(occurrence),
                ),
                stays=tenant.presence.intervals(occurrence),
                vendor_meeting_id=series_id if live else tenant.identity.report_id(occurrence),
                series_id=series_id,
                email_shown=email_shown,
                rows=None if live else tenant.presence.count(occurrence),
            )

    def answer(self, call: Call, url: str) -> Answer:
        """What Graph says to this call: token first, then route, role, rate limit, and the matter itself."""
        if call.path.startswith(f"{LOGIN}/"):
            return self.access.mint(call, url)
        try:
            roles = self.access.roles(call.headers.get("Authorization", ""))
            if call.path in [f"{API}/{version}{BATCH}" for version in VERSIONS]:
                return self._batch(call, url)
            return self._told(call, url, roles)
        except GraphError as error:
            return error.answer(call, self.now())

    def _told(self, call: Call, url: str, roles: frozenset[str]) -> Answer:
        request = request_of(call, url)
        route = request.route
        if route.role not in roles:
            raise GraphError(403, "Authorization_RequestDenied", UNPRIVILEGED)
        wait = self.limiter.wait(route.label)
        if wait:
            return self._throttled(call, wait, route.label)
        part, _, name = route.handler.partition(".")
        told = getattr(self._parts[part], name)(request)
        answer = told if isinstance(told, Answer) else json_answer(200, told)
        request_id = str(uuid.uuid4())
        headers = {"request-id": request_id, "client-request-id": call.headers.get("client-request-id") or request_id}
        return replace(answer, headers=answer.headers | headers, label=route.label)

    def _batch(self, call: Call, url: str) -> Answer:
        if call.method != "POST":
            raise bad_request(f"The HTTP method '{call.method}' is not supported here.")

        def ask(relative: str, item: Call) -> Answer:
            if self.options.told(self.options.throttled_in_batch, relative):
                return self.ask(item, lambda one: self._throttled(one, BATCH_WAIT, ""))
            return self.ask(item, lambda one: self.answer(one, url))

        return batch.answered(call, call.path.removesuffix(BATCH), ask)

    def _throttled(self, call: Call, wait: float, label: str) -> Answer:
        answer = GraphError(429, "TooManyRequests", THROTTLED).answer(call, self.now())
        return replace(answer, headers=answer.headers | {"Retry-After": f"{wait:.3f}"}, label=label)

    def _is_untold(self, series: Series) -> bool:
        options, identity = self.options, self.tenant.identity
        series_id = identity.series_id(series)
        return (
            options.told(options.reports_off, series_id)
            or options.told(options.identity_only, series_id)
            or options.told(options.without_policy, identity.user_id(series.host))
            or (series.kind == "live_event" and options.live_events == "gone")
        )
