"""The organisation's Webex sites, and which service on which site holds a series."""

from functools import lru_cache

from attendance_pipeline.sandbox.model import Series
from attendance_pipeline.sandbox.organisation import Organisation

MAIN = "northwind.webex.com"
EVENTS = "northwind-events.webex.com"
SITES = (MAIN, EVENTS)

SERVICE_TYPES = ("MeetingCenter", "EventCenter", "SupportCenter", "TrainingCenter")

ELSEWHERE_SHARE = 0.12
"""Series that aren't webinars and yet on the second site."""
TWICE_SHARE = 0.12
"""Series of meetings that the usage report lists under two services."""


class Sites:
    """Decides for each series of one organisation, once and for all."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        self.site_of = lru_cache(maxsize=None)(self._site_of)
        self.services_of = lru_cache(maxsize=None)(self._services_of)

    def _site_of(self, series: Series) -> str:
        """Where a series is held: webinars, and a few meetings, on the second site."""
        if series.kind == "webinar":
            return EVENTS
        return EVENTS if self.organisation.random("webex site", series.id).random() < ELSEWHERE_SHARE else MAIN

    def _services_of(self, series: Series) -> tuple[str, ...]:
        """Under which service types the usage report lists a series; where webinars are isn't documented."""
        if series.kind == "webinar":
            return ("EventCenter",) if series.only_on else ("MeetingCenter",)
        twice = self.organisation.random("webex services", series.id).random() < TWICE_SHARE
        return ("MeetingCenter", "EventCenter") if twice else ("MeetingCenter",)
