"""The strict Zoom API: who may call what, how often; what is answered is in the reports.

Takes a call, gives an answer; knows nothing of sockets.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime

from attendance_pipeline.sandbox.organisation import Organisation
from attendance_pipeline.sandbox.truth import Held
from attendance_pipeline.sandbox.wire import Answer, Call, json_answer
from attendance_pipeline.sandbox.zoom.errors import ZoomError
from attendance_pipeline.sandbox.zoom.limits import Limiter
from attendance_pipeline.sandbox.zoom.options import ZoomOptions
from attendance_pipeline.sandbox.zoom.reports import ZoomReports
from attendance_pipeline.sandbox.zoom.routes import API, routed
from attendance_pipeline.sandbox.zoom.tokens import AccessTokens

OAUTH = "/zoom/oauth/token"


class ZoomApi:
    """One account at Zoom, holding the meetings that the organisation has there."""

    def __init__(self, organisation: Organisation, options: ZoomOptions, now: Callable[[], datetime]) -> None:
        self.organisation = organisation
        self.options = options
        self.reports = ZoomReports(organisation, options, now)
        self.access = AccessTokens(options, now)
        self.limiter = Limiter(options, now)

    def settings(self, url: str) -> dict[str, str]:
        """The environment variables that point a client at this account."""
        credentials = self.access.credentials
        return {
            "ZOOM_ACCOUNT_ID": credentials.account_id,
            "ZOOM_CLIENT_ID": credentials.client_id,
            "ZOOM_CLIENT_SECRET": credentials.client_secret,
            "ZOOM_API_URL": url + API,
            "ZOOM_TOKEN_URL": url + OAUTH,
            "ZOOM_PLAN": self.options.plan,
        }

    def held(self, first: date, last: date) -> Iterator[Held]:
        """Everything that ended on these UTC dates (inclusive), for the truth."""
        for occurrence in self.organisation.ended_between(first, last):
            if occurrence.vendor == "zoom":
                yield self.reports.rows.held(occurrence)

    def answer(self, call: Call, url: str) -> Answer:
        """What Zoom says to this call: token first, then route, scope, rate limit, and the matter itself."""
        if call.path == OAUTH:
            return self.access.mint(call, f"{url}/zoom")
        refusal = self.access.refusal(call.headers.get("Authorization", ""))
        if refusal is not None:
            return refusal
        request = routed(call)
        if request is None:
            return ZoomError(400, 2300, "This API endpoint is not recognized.").answer("")
        route = request.route
        if route.scope and route.scope not in self.options.scopes:
            text = f"Invalid access token, does not contain scopes:[{route.scope}]."
            return ZoomError(400, 4711, text).answer(route.label)
        answer, headers = self.limiter.admit(route.label)
        if answer is None:
            try:
                body = getattr(self.reports, route.handler)(request)
                answer = json_answer(200, body, label=route.label)
            except ZoomError as error:
                answer = error.answer(route.label)
        return replace(answer, headers=answer.headers | headers)
