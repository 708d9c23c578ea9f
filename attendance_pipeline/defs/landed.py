"""What a landing tells an operator: of each table what landed, what was asked for it, and what came of its checks."""

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any

import dagster as dg

from attendance_pipeline.landing import Landed, TableReport
from attendance_pipeline.rows import of_another_format
from attendance_pipeline.shape import Table

Results = Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]


def key(table: Table) -> dg.AssetKey:
    """The asset of a vendor table in the lake."""
    return dg.AssetKey([table.vendor, table.name])


def check_specs(tables: Sequence[Table]) -> list[dg.AssetCheckSpec]:
    """The checks that each of these tables has."""
    return [
        dg.AssetCheckSpec(name, asset=key(table), description=description)
        for table in tables
        for name, description in (
            ("schema", "The vendor's documents have the fields and types that we know"),
            ("quarantine", "No row broke a rule, but for waived ones"),
        )
    ]


def results(context: dg.AssetExecutionContext, tables: Sequence[Table], landed: Landed) -> Results:
    """What landed in these tables, or why nothing did; and every check of theirs."""
    if stopped := _stopped(landed):
        context.log.warning(stopped)
    for table in tables:
        report = landed.tables.get(table.name)
        if report is None:
            yield from _not_landed(table, stopped)
            continue
        yield dg.MaterializeResult(asset_key=key(table), metadata=_metadata(report, landed))
        for day, rows in report.rows.items():
            context.add_asset_metadata(
                {"dagster/partition_row_count": rows}, asset_key=key(table), partition_key=day.isoformat()
            )
        drifted = {rule: n for rule, n in report.rules.items() if of_another_format(rule)}
        yield dg.AssetCheckResult(
            check_name="schema",
            asset_key=key(table),
            passed=not drifted and not report.unknown_fields,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"unknown_fields": sorted(report.unknown_fields), "rows_of_another_format": drifted},
        )
        quarantined = report.rules.total()
        if quarantined:
            context.log.warning(
                f"{table.vendor}/{table.name}: {quarantined} rows quarantined ({dict(report.rules)}); "
                f"see attendance-pipeline quarantine show --vendor {table.vendor} --table {table.name}"
            )
        yield dg.AssetCheckResult(
            check_name="quarantine",
            asset_key=key(table),
            passed=not quarantined,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "rows_quarantined": quarantined,
                "rows_waived": report.waived,
                "by_rule": dict(report.rules),
            },
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
        "rows_quarantined": report.rules.total(),
        "rows_waived": report.waived,
        "duplicates_dropped": report.duplicates,
        "requests": pulled.requests.total(),
        "requests_by_label": dict(pulled.requests),
        "failed_attempts": pulled.failed_attempts,
        "seconds_waited": pulled.waited_seconds,
    }
    if pulled.slowest:
        shown["slowest_request"] = pulled.slowest
    if pulled.quota_left is not None:
        shown["quota_left_today"] = pulled.quota_left
    if stopped := _stopped(landed):
        shown["stopped"] = stopped
    if pulled.discovery.route:
        shown |= {
            "discovery": pulled.discovery.route,
            "discovery_reason": pulled.discovery.reason,
            "hosts_skipped": pulled.discovery.skipped,
        }
    if report.statuses:
        shown["meetings_by_status"] = dict(report.statuses)
    return shown
