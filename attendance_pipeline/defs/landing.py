"""One vendor's lake tables as assets: ask, check, replace, report. The same factory for every vendor."""

from collections.abc import Iterator, Sequence
from datetime import date
from math import ceil
from typing import Any

import dagster as dg
import pyarrow as pa
from pydantic import Field

from attendance_pipeline.archive import Archive
from attendance_pipeline.days import DAYS
from attendance_pipeline.defs.labels import LAKE_KINDS, owners
from attendance_pipeline.defs.preview import lake_preview
from attendance_pipeline.files import alone
from attendance_pipeline.lake import Lake
from attendance_pipeline.landing import Landed, TableReport, land_attendance, land_meetings
from attendance_pipeline.plan import plan
from attendance_pipeline.rows import of_another_format
from attendance_pipeline.settings import Settings
from attendance_pipeline.shape import Table
from attendance_pipeline.vendors.base import Vendor

PROGRESS = "progress"
"""The resource that is told how far a pull is: nobody in a deployment, the console script's display in a terminal."""


Results = Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]


class Landing(dg.Config):
    """How dates are landed."""

    ask: bool = Field(
        default=True,
        description="Ask the vendor. Without asking, the partitions are rebuilt from what the archive holds",
    )
    again: bool = Field(
        default=True,
        description="Ask for lists of meetings again that were read late enough already. Without, a backfill goes on "
        "where the day's quota ended it",
    )


def landing_config(vendor_type: type[Vendor[Any]], *, ask: bool = True, again: bool = True) -> dict[str, Any]:
    """The run configuration of a vendor's landing job."""
    steps = (f"{vendor_type.name}_meetings", f"{vendor_type.name}_attendance")
    return {"ops": {step: {"config": {"ask": ask, "again": again}} for step in steps}}


def key(table: Table) -> dg.AssetKey:
    """The asset of a vendor table in the lake."""
    return dg.AssetKey([table.vendor, table.name])


def landing_assets(
    vendor_type: type[Vendor[Any]], partitions: dg.PartitionsDefinition[Any]
) -> list[dg.AssetsDefinition]:
    """The assets of one vendor: its meetings, then what is known of who attended them."""
    name = vendor_type.name
    listing_tables, attendance_tables = vendor_type.listing_tables, vendor_type.attendance_tables
    common: dict[str, Any] = {
        "partitions_def": partitions,
        "backfill_policy": dg.BackfillPolicy.single_run(),
        "pool": name,
        "required_resource_keys": {PROGRESS},
    }

    @dg.multi_asset(
        name=f"{name}_meetings",
        # Skipped where the quota was spent before every list was read: then only `days` has changed.
        specs=[_spec(table, deps=[], skippable=table.name != DAYS) for table in listing_tables],
        check_specs=_check_specs(listing_tables),
        **common,
    )
    def meetings(context: dg.AssetExecutionContext, config: Landing) -> Results:
        settings, vendor = _configured(vendor_type, config)
        if config.ask:
            context.log.info(str(plan(vendor, Lake(settings.lake), _days(context), again=config.again)))
        with _landing_alone(settings, name):
            landed = land_meetings(
                vendor,
                Lake(settings.lake),
                _days(context),
                context.resources.progress,
                ask=config.ask,
                again=config.again,
            )
        yield from _results(context, listing_tables, landed, settings)

    @dg.multi_asset(
        name=f"{name}_attendance",
        specs=[_spec(table, deps=[key(vendor_type.meetings_table)]) for table in attendance_tables],
        check_specs=_check_specs(attendance_tables),
        **common,
    )
    def attendance(context: dg.AssetExecutionContext, config: Landing) -> Results:
        settings, vendor = _configured(vendor_type, config)
        with _landing_alone(settings, name):
            landed = land_attendance(
                vendor, Lake(settings.lake), _days(context), context.resources.progress, ask=config.ask
            )
        yield from _results(context, attendance_tables, landed, settings)

    return [meetings, attendance]


def why_off(vendor_type: type[Vendor[Any]], settings: Settings) -> str | None:
    """Why the vendor is off, and how to turn it on; None where it is on."""
    missing = settings.missing(vendor_type.credentials)
    if not missing:
        return None
    return f"{vendor_type.name} is off: {missing} not set (environment or .env; see .env.example)"


def _configured(vendor_type: type[Vendor[Any]], config: Landing) -> tuple[Settings, Vendor[Any]]:
    settings = Settings.load()
    if config.ask and (reason := why_off(vendor_type, settings)):
        raise dg.Failure(description=reason, allow_retries=False)
    return settings, vendor_type(settings, Archive(settings.lake, vendor_type.name))


def _landing_alone(settings: Settings, vendor: str) -> Any:
    return alone(settings.data / "locks" / f"{vendor}.lock", f"another run that lands {vendor}")


def _days(context: dg.AssetExecutionContext) -> list[date]:
    return [date.fromisoformat(partition) for partition in context.partition_keys]


def _spec(table: Table, deps: Sequence[dg.AssetKey], skippable: bool = False) -> dg.AssetSpec:
    return dg.AssetSpec(
        key(table),
        deps=deps,
        skippable=skippable,
        group_name=table.vendor,
        owners=owners(table.vendor),
        kinds=LAKE_KINDS,
        tags={"vendor": table.vendor},
        description=table.model.__doc__,
        metadata={"dagster/column_schema": column_schema(table.schema)},
    )


def column_schema(schema: pa.Schema) -> dg.TableSchema:
    """An Arrow schema as Dagster shows it."""
    return dg.TableSchema(
        [
            dg.TableColumn(
                entry.name,
                str(entry.type),
                description=(entry.metadata or {}).get(b"description", b"").decode() or None,
                constraints=dg.TableColumnConstraints(nullable=entry.nullable),
            )
            for entry in schema
        ]
    )


def _check_specs(tables: Sequence[Table]) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(name, asset=key(table), description=description)
        for table in tables
        for name, description in (
            ("schema", "The vendor's documents have the fields and types that we know"),
            ("quarantine", "No row broke a rule, but for waived ones"),
        )
    ]


def _results(
    context: dg.AssetExecutionContext, tables: Sequence[Table], landed: Landed, settings: Settings
) -> Results:
    if stopped := _stopped(landed):
        context.log.warning(stopped)
    for table in tables:
        report = landed.tables.get(table.name)
        if report is None:
            yield from _not_landed(table, stopped)
            continue
        shown = _metadata(report, landed) | lake_preview(Lake(settings.lake), table, report.rows)
        yield dg.MaterializeResult(asset_key=key(table), metadata=shown)
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
    for spec in _check_specs([table]):
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
