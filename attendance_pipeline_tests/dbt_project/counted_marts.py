"""The rows of the marts as plain Python counts them, their grain included, for what is asked of several marts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from .brute_force import Expected
from .counted import adoption, behavior, load, reach, reconciliation, shape, webinars
from .facts import Facts
from .random_times import TIME_ZONE
from .raw_rows import RawRows, Row

GRAINS = {
    "active_people": ("period", "period_start", "vendor"),
    "coverage_days": ("ended_date", "vendor"),
    "daily_attendance": ("ended_date", "vendor"),
    "daily_devices": ("ended_date", "vendor", "property", "value"),
    "daily_domains": ("ended_date", "vendor", "email_domain"),
    "daily_meeting_shape": ("ended_date", "vendor", "kind"),
    "daily_reconciliation": ("ended_date", "vendor", "measure"),
    "daily_time": ("activity_date", "vendor"),
    "drop_off": ("month_start", "vendor", "minute"),
    "heat_map": ("month_start", "vendor", "weekday", "hour"),
    "host_months": ("month_start", "vendor", "host_email"),
    "host_utilization": ("month_start", "vendor"),
    "hosts": ("vendor", "host_email"),
    "hourly_load": ("hour_start", "vendor"),
    "meeting_distribution": ("ended_date", "vendor", "kind", "size_band", "duration_band"),
    "meetings": ("meeting_key",),
    "person_days": ("person", "vendor", "activity_date"),
    "person_load": ("person", "activity_date"),
    "series": ("vendor", "series_id"),
    "series_occurrences": ("logical_meeting_key",),
    "webinars": ("meeting_key",),
}


class CountedMarts(Mapping[str, list[Row]]):
    """Each mart's rows, counted when first asked for."""

    def __init__(self, raw: RawRows, facts: Facts, expected: Expected, reconciled: list[Row]) -> None:
        self._count: dict[str, Callable[[], Mapping[Any, Row]]] = {
            "coverage_days": lambda: expected.coverage_days,
            "daily_reconciliation": partial(reconciliation.daily_reconciliation, reconciled),
            "heat_map": partial(behavior.heat_map, facts, TIME_ZONE),
            "meetings": lambda: {(key,): row for key, row in expected.meetings.items()},
            "webinars": lambda: webinars.webinars(facts, webinars.registered_of_raw(raw, facts)),
        }
        for module in (adoption, behavior, load, reach, shape):
            for mart in GRAINS.keys() - self._count.keys():
                if hasattr(module, mart):
                    self._count[mart] = partial(getattr(module, mart), facts)
        self._rows: dict[str, list[Row]] = {}

    def __getitem__(self, mart: str) -> list[Row]:
        if mart not in self._rows:
            counted = self._count[mart]().items()
            self._rows[mart] = [dict(zip(GRAINS[mart], key, strict=True)) | row for key, row in counted]
        return self._rows[mart]

    def __iter__(self) -> Iterator[str]:
        return iter(GRAINS)

    def __len__(self) -> int:
        return len(GRAINS)
