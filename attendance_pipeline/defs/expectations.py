"""Checks of three marts: whether meetings still come, whether as many as usual, and whether they add up.

They warn and never fail: what is unusual may be true.
"""

from calendar import day_abbr
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from attendance_pipeline.defs.warehouse import POOL
from attendance_pipeline.expectations import FEWEST_WEEKS, WEEKS, read_differences, read_newest, read_volume
from attendance_pipeline.settings import Settings
from attendance_pipeline.warehouse import building

NEWEST, VOLUME, RECONCILED = (
    dg.AssetKey(["marts", name]) for name in ("meetings", "daily_utilization", "reconciliation")
)
DAYS = dg.AssetKey(["marts", "coverage_days"])

MOST_LISTED = 20

Judged = tuple[bool, str | None, dict[str, Any]]
"""Whether a check passes, what to tell where it doesn't, and its numbers."""


def expectation_checks() -> dg.AssetChecksDefinition:
    """All three, in one step after the models are built.

    A run that rebuilds a mart takes its checks along.
    """

    @dg.multi_asset_check(
        name="expectation_checks",
        specs=[
            dg.AssetCheckSpec(
                "newest_meeting",
                asset=NEWEST,
                additional_deps=[DAYS],
                description="Every vendor that is on has had meetings on the weekdays on which it usually has",
            ),
            dg.AssetCheckSpec(
                "volume",
                asset=VOLUME,
                additional_deps=[DAYS],
                description=f"No recent date has far more or less than the same weekday of the {WEEKS} weeks before",
            ),
            dg.AssetCheckSpec(
                "reconciled",
                asset=RECONCILED,
                description="Where our numbers differ from the vendors', the data explains why",
            ),
        ],
        can_subset=True,
        pool=POOL,
    )
    def checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        settings = Settings.load()
        with building(settings.build):
            for asset, name, judge in _JUDGES:
                if dg.AssetCheckKey(asset, name) in context.selected_asset_check_keys:
                    passed, why, metadata = judge(settings.build)
                    yield dg.AssetCheckResult(
                        check_name=name,
                        asset_key=asset,
                        passed=passed,
                        severity=dg.AssetCheckSeverity.WARN,
                        description=why,
                        metadata=metadata,
                    )

    return checks


def _newest(build: Path) -> Judged:
    now = datetime.now(UTC)
    found = read_newest(build, now)
    stale = [newest.vendor for newest in found if newest.is_stale]
    rows = [
        {
            "vendor": newest.vendor,
            "newest_meeting_ended": newest.ended_at and f"{newest.ended_at:%Y-%m-%d %H:%M}",
            "last_asked": newest.asked_at and f"{newest.asked_at:%Y-%m-%d %H:%M}",
            "usually_meets_on": " ".join(day_abbr[day] for day in newest.weekdays) or "not enough history",
            "missed_days": len(newest.missed),
            "missed_since": newest.missed[0].isoformat() if newest.missed else None,
        }
        for newest in found
    ]
    shown: dict[str, Any] = {
        f"{newest.vendor}_hours_since_newest": round((now - newest.ended_at).total_seconds() / 3600, 1)
        for newest in found
        if newest.ended_at
    }
    why = (
        f"no meetings of {', '.join(stale)} on days that usually have some: a holiday, meetings held elsewhere, or a "
        "vendor that no longer names them; see last_asked and the doctor"
    )
    if rows:
        shown["newest"] = _table(rows)
    return not stale, why if stale else None, shown


def _volume(build: Path) -> Judged:
    volume = read_volume(build, datetime.now(UTC).date())
    dates = {(one.vendor, one.ended_date) for one in volume.unusual}
    metadata: dict[str, Any] = {
        "dates_compared": sum(volume.compared.values()),
        "dates_without_history": sum(volume.without_history.values()),
        "unusual_dates": len(dates),
    }
    if volume.unusual:
        rows = [
            {
                "vendor": one.vendor,
                "ended_date": f"{one.ended_date:%a %Y-%m-%d}",
                "measure": one.measure,
                "found": one.found,
                "median": one.usual,
                "usual_from": one.least,
                "usual_to": one.most,
            }
            for one in volume.unusual[-MOST_LISTED:]
        ]
        metadata["unusual"] = _table(rows)
        return (
            False,
            f"{len(dates)} dates have far more or less than usual: a holiday, an event, or a fault",
            metadata,
        )
    if not metadata["dates_compared"]:
        return True, f"not enough history: fewer than {FEWEST_WEEKS} weeks of any weekday are held", metadata
    return True, None, metadata


def _reconciled(build: Path) -> Judged:
    found = read_differences(build)
    unexplained = sum(one.unexplained for one in found)
    rows = [
        {
            "vendor": one.vendor,
            "measure": one.measure,
            "compared": one.meetings,
            "differing": one.differing,
            "unexplained": one.unexplained,
            "sum_of_unexplained": one.unexplained_difference,
            "first": one.first_date and one.first_date.isoformat(),
            "last": one.last_date and one.last_date.isoformat(),
        }
        for one in found
    ]
    metadata: dict[str, Any] = {
        "numbers_compared": sum(one.meetings for one in found),
        "numbers_differing": sum(one.differing for one in found),
        "numbers_unexplained": unexplained,
    }
    if rows:
        metadata["by_measure"] = _table(rows)
    why = f"{unexplained} numbers differ from the vendor's and the data doesn't say why; see marts.reconciliation"
    return not unexplained, why if unexplained else None, metadata


_JUDGES: Sequence[tuple[dg.AssetKey, str, Callable[[Path], Judged]]] = (
    (NEWEST, "newest_meeting", _newest),
    (VOLUME, "volume", _volume),
    (RECONCILED, "reconciled", _reconciled),
)


def _table(rows: Sequence[dict[str, Any]]) -> dg.MetadataValue:
    return dg.MetadataValue.table([dg.TableRecord(row) for row in rows])
