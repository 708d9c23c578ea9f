"""What a landing tells an operator: of each table what landed, what was asked for it, and what came of its checks.

The checks warn and never fail: a row that broke a rule is in quarantine and reaches no analyst.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from math import ceil
from typing import Any

import dagster as dg

from attendance_pipeline.days import DAYS, settles_at
from attendance_pipeline.defs.preview import lake_preview
from attendance_pipeline.lake import Lake
from attendance_pipeline.landing import Landed, TableReport
from attendance_pipeline.pull import Pulled
from attendance_pipeline.readings import READINGS, Timing
from attendance_pipeline.rows import of_another_format
from attendance_pipeline.shape import Table

Results = Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]

COUNTED = {DAYS: "dates", READINGS: "reports"}
"""What a row is of the tables that tell of the others; no row of theirs is a vendor's."""

GRACE = timedelta(hours=1)
"""Until the next hourly run."""

MOST_DATES = 31


def key(table: Table) -> dg.AssetKey:
    """The asset of a vendor table in the lake."""
    return dg.AssetKey([table.vendor, table.name])


def check_specs(tables: Sequence[Table]) -> list[dg.AssetCheckSpec]:
    """The checks that each of these tables has."""
    return [
        dg.AssetCheckSpec(name, asset=key(table), description=description)
        for table in tables
        for name, description in _checks(table).items()
    ]


def _checks(table: Table) -> dict[str, str]:
    checks = {
        "schema": "The vendor's documents have the fields and types that we know",
        "quarantine": "No row broke a rule, but for waived ones",
    }
    if table.name not in COUNTED:
        return checks | table.rules
    checks["settled"] = (
        f"No {COUNTED[table.name]} are left that may still change although they are old enough to have settled; "
        "young ones are counted"
    )
    if table.name == READINGS:
        checks["vendor_counts"] = "Of every report that is old enough, as much is held as the vendor counts"
    return checks


def results(
    context: dg.AssetExecutionContext, tables: Sequence[Table], landed: Landed, timing: Timing, lake: Lake
) -> Results:
    """What landed in these tables, or why nothing did; and every check of theirs."""
    if stopped := _stopped(landed):
        context.log.warning(stopped)
    for table in tables:
        report = landed.tables.get(table.name)
        if report is None:
            yield from _not_landed(table, stopped)
            continue
        shown = _metadata(report, landed) | lake_preview(lake, table, report.rows)
        yield dg.MaterializeResult(asset_key=key(table), metadata=shown)
        for day, rows in report.rows.items():
            context.add_asset_metadata(
                {"dagster/partition_row_count": rows}, asset_key=key(table), partition_key=day.isoformat()
            )
        if quarantined := report.rules.total():
            context.log.warning(
                f"{table.vendor}/{table.name}: {quarantined} rows quarantined ({dict(report.rules)}); "
                f"see attendance-pipeline quarantine show --vendor {table.vendor} --table {table.name}"
            )
        yield from judged(table, report, timing)


def judged(table: Table, report: TableReport, timing: Timing) -> Iterator[dg.AssetCheckResult]:
    """Every check of a table of which something landed."""
    drifted = {rule: n for rule, n in report.rules.items() if of_another_format(rule)}
    yield _result(
        table,
        "schema",
        not drifted and not report.unknown_fields,
        {"unknown_fields": sorted(report.unknown_fields), "rows_of_another_format": drifted},
    )
    quarantined = report.rules.total()
    yield _result(
        table,
        "quarantine",
        not quarantined,
        {"rows_quarantined": quarantined, "rows_waived": report.waived, "by_rule": dict(report.rules)},
    )
    if table.name not in COUNTED:
        for rule in table.rules:
            broken = _broken(report.rules, rule)
            yield _result(table, rule, not broken, {"rows_quarantined": broken})
        return
    settled_before = datetime.now(UTC) - GRACE
    old = {day for day in report.rows if settles_at(day, timing) <= settled_before}
    yield _of_old_dates(table, "settled", "unsettled", report.unsettled, old)
    if table.name == READINGS:
        yield _of_old_dates(table, "vendor_counts", "partial", report.partial, old)


def _broken(rules: Counter[str], rule: str) -> int:
    """Rows that broke this rule, alone or with others; of some rules, quarantine tells the column as well."""
    return sum(
        rows
        for broken, rows in rules.items()
        if any(one == rule or one.startswith(f"{rule}.") for one in broken.split(","))
    )


def _of_old_dates(table: Table, check: str, what: str, by_day: Counter[date], old: set[date]) -> dg.AssetCheckResult:
    """Whether nothing of the dates that have had their time to settle is as it mustn't stay."""
    left = sorted(day for day in by_day if by_day[day] and day in old)
    number = sum(by_day[day] for day in left)
    rows = COUNTED[table.name]
    shown: dict[str, Any] = {
        f"{what}_{rows}_old_enough": number,
        f"{what}_{rows}_still_young": by_day.total() - number,
    }
    if left:
        shown["dates"] = [day.isoformat() for day in left[:MOST_DATES]]
    return _result(table, check, not left, shown)


def _result(table: Table, check: str, passed: bool, metadata: dict[str, Any]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=check,
        asset_key=key(table),
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=metadata,
    )


def _not_landed(table: Table, why: str) -> Results:
    for spec in check_specs([table]):
        yield dg.AssetCheckResult(
            check_name=spec.name,
            asset_key=key(table),
            passed=False,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"Nothing landed: {why}",
        )


def _stopped(landed: Landed) -> str:
    """Why the pull ended before its work was done, and what is left; empty where it wasn't stopped."""
    pulled = landed.pulled
    if pulled.stopped is None:
        return ""
    if landed.left:
        return f"{pulled.stopped}; {len(landed.left)} dates are left"
    more = ceil(pulled.left_requests / pulled.quota_a_day) if pulled.quota_a_day else 0
    return f"{pulled.stopped}; {pulled.left} reports are left" + (f", about {more} more days" if more > 1 else "")


def _metadata(report: TableReport, landed: Landed) -> dict[str, Any]:
    pulled = landed.pulled
    shown: dict[str, Any] = {
        "dagster/row_count": sum(report.rows.values()),
        "bytes_landed": report.bytes,
        "rows_quarantined": report.rules.total(),
        "rows_waived": report.waived,
        "duplicates_dropped": report.duplicates,
        **_asked(pulled),
    }
    if stopped := _stopped(landed):
        shown["stopped"] = stopped
    if pulled.discovery.route:
        shown |= {
            "discovery": pulled.discovery.route,
            "discovery_reason": pulled.discovery.reason,
            "hosts_skipped": pulled.discovery.skipped,
        }
    if report.statuses:
        shown["reports_by_status"] = dict(report.statuses)
        shown |= {f"reports_{status}": number for status, number in sorted(report.statuses.items())}
    return shown


def _asked(pulled: Pulled) -> dict[str, Any]:
    """What the whole step asked the vendor, for all its tables."""
    shown: dict[str, Any] = {
        "requests": pulled.requests.total(),
        "requests_by_kind": dict(pulled.requests),
        "failed_attempts": pulled.failed_attempts,
        "bytes_received": pulled.bytes_received,
        "throttled_seconds": pulled.waited_seconds.get("told", 0.0),
        "paced_seconds": pulled.waited_seconds.get("pace", 0.0),
    }
    if pulled.slowest:
        shown["slowest_seconds"] = round(pulled.slowest[0][0], 2)
        shown["slowest_requests"] = dg.MetadataValue.table(
            [dg.TableRecord({"seconds": round(took, 2), "request": request}) for took, request in pulled.slowest]
        )
    if pulled.quota_left is not None:
        shown["quota_left_today"] = pulled.quota_left
    return shown
