"""The strict Webex API: who may call what, how often; what is answered is in the reports.

Takes a call, gives an answer; knows nothing of sockets.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime

from attendance_pipeline.sandbox.organisation import Organisation
from attendance_pipeline.sandbox.truth import Held
from attendance_pipeline.sandbox.webex.errors import FORBIDDEN, NOT_ALLOWED, NOT_FOUND, WebexError
from attendance_pipeline.sandbox.webex.limits import Limiter
from attendance_pipeline.sandbox.webex.options import WebexOptions
from attendance_pipeline.sandbox.webex.presence import email_shown
from attendance_pipeline.sandbox.webex.reports import WebexReports
from attendance_pipeline.sandbox.webex.routes import API, ROUTES, TOKEN, request_of
from attendance_pipeline.sandbox.webex.sites import SITES
from attendance_pipeline.sandbox.webex.tokens import Grants
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer


class WebexApi:
    """One Webex organisation, holding the meetings that ours has there."""

    sites = SITES

    def __init__(self, organisation: Organisation, options: WebexOptions, now: Callable[[], datetime]) -> None:
        self.organisation = organisation
        self.options = options
        self.reports = WebexReports(organisation, options, now)
        self.access = Grants(options, now)
        self.limiter = Limiter(options)

    def settings(self, url: str) -> dict[str, str]:
        """The environment variables that point a client at this organisation."""
        credentials = self.access.credentials
        return {
            "WEBEX_CLIENT_ID": credentials.client_id,
            "WEBEX_CLIENT_SECRET": credentials.client_secret,
            "WEBEX_REFRESH_TOKEN": credentials.refresh_token,
            "WEBEX_API_URL": url + API,
        }

    def held(self, first: date, last: date) -> Iterator[Held]:
        """Everything that ended on these UTC dates (inclusive), for the truth."""
        reports = self.reports
        for occurrence in self.organisation.ended_between(first, last):
            if occurrence.vendor == "webex":
                yield Held(
                    occurrence=replace(occurrence, report_ready_at=reports.settling.ready_at(occurrence)),
                    stays=reports.presence.pieces(occurrence),
                    vendor_meeting_id=reports.identity.instance_id(occurrence),
                    series_id=reports.identity.series_id(occurrence.series),
                    email_shown=email_shown,
                    rows=len(reports.presence.participants(occurrence)),
                )

    def answer(self, call: Call, url: str) -> Answer:
        """What Webex says to this call: token first, then rate limit, route, scope, and the matter itself."""
        try:
            if call.path == TOKEN:
                return json_answer(200, self.access.mint(call))
            self.access.check(call.headers.get("Authorization", ""))
            return self.limiter.refusal() or self._told(call, url)
        except WebexError as error:
            return error.answer()

    def _told(self, call: Call, url: str) -> Answer:
        route = ROUTES.get(call.path.removeprefix(API)) if call.path.startswith(API) else None
        if route is None:
            raise WebexError(404, NOT_FOUND)
        if call.method != "GET":
            raise WebexError(405, NOT_ALLOWED)
        if route.scope not in self.options.scopes:
            raise WebexError(403, FORBIDDEN, FORBIDDEN)
        body, headers = getattr(self.reports, route.handler)(request_of(call, url))
        return replace(json_answer(200, body), headers=headers, content_type=route.content_type)
