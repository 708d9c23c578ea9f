"""One vendor's lake tables as assets: ask, check, replace, report. The same factory for every vendor."""

from collections.abc import Iterator, Sequence
from datetime import date
from math import ceil
from typing import Any

import dagster as dg
import pyarrow as pa
from pydantic import Field

from attendance_pipeline.archive import Archive
from attendance_pipeline.choice import why_not_asked
from attendance_pipeline.days import DAYS
from attendance_pipeline.defs.labels import LAKE_KINDS, owners
from attendance_pipeline.defs.preview import lake_preview
from attendance_pipeline.errors import UsageError
from attendance_pipeline.files import alone
from attendance_pipeline.http.errors import VendorError
from attendance_pipeline.lake import Lake
from attendance_pipeline.landing import Landed, TableReport, land_attendance, land_meetings
from attendance_pipeline.plan import plan
from attendance_pipeline.rows import of_another_format
from attendance_pipeline.settings import Settings
from attendance_pipeline.shape import Table
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline.vendors.base import Vendor

MOST_DATES = 10_000
"""Dates of one run: more than anybody has, so that a backfill is one run in the fewest windows."""

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
        default=False,
        description="Ask for lists of meetings again that were read late enough already. Without, a backfill goes on "
        "where it ended, and asks for nothing twice",
    )


def landing_config(vendor_type: type[Vendor[Any]], *, ask: bool = True, again: bool = False) -> dict[str, Any]:
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
        # Dagster puts vendors of one and the same policy into one run, in which they wait for each other.
        "backfill_policy": dg.BackfillPolicy.multi_run(MOST_DATES + list(VENDORS).index(name)),
        "pool": name,
        "required_resource_keys": {PROGRESS},
    }

    @dg.multi_asset(
        name=f"{name}_meetings",
        # Skipped where the quota was spent before every list was read: then only `days` has changed.
        specs=[_spec(table, deps=[], skippable=True) for table in listing_tables],
        check_specs=_check_specs(listing_tables),
        **common,
    )
    def meetings(context: dg.AssetExecutionContext, config: Landing) -> Results:
        settings, days = Settings.load(), _days(context)
        if config.ask and (reason := why_not_asked(vendor_type, settings)):
            yield from _off(context, listing_tables, reason)
            return
        vendor, lake = vendor_type(settings, Archive(settings.lake, name)), Lake(settings.lake)
        if config.ask:
            context.log.info(str(plan(vendor, lake, days, again=config.again)))
        with _landing_alone(settings, name):
            try:
                landed = land_meetings(
                    vendor, lake, days, context.resources.progress, ask=config.ask, again=config.again
                )
            except VendorError:
                _tell_days(context, vendor_type, lake, days)
                raise
        yield from _of_landed_dates(context, landed, _results(context, listing_tables, landed, settings))
        if landed.left and not config.ask:
            raise UsageError(
                f"{name} never answered about {len(landed.left)} of these dates, the first of them {landed.left[0]}: "
                "there is nothing to rebuild them from. The others' meetings are rebuilt; leave those out "
                "(the job reshape does), or pull them"
            )

    @dg.multi_asset(
        name=f"{name}_attendance",
        specs=[_spec(table, deps=[key(vendor_type.meetings_table)], skippable=True) for table in attendance_tables],
        check_specs=_check_specs(attendance_tables),
        **common,
    )
    def attendance(context: dg.AssetExecutionContext, config: Landing) -> Results:
        settings = Settings.load()
        if config.ask and (reason := why_not_asked(vendor_type, settings)):
            yield from _off(context, attendance_tables, reason)
            return
        vendor, lake = vendor_type(settings, Archive(settings.lake, name)), Lake(settings.lake)
        with _landing_alone(settings, name):
            landed = land_attendance(vendor, lake, _days(context), context.resources.progress, ask=config.ask)
        yield from _of_landed_dates(context, landed, _results(context, attendance_tables, landed, settings))

    return [meetings, attendance]


def _off(context: dg.AssetExecutionContext, tables: Sequence[Table], reason: str) -> Results:
    """A vendor that is off breaks nothing: nothing lands, and its checks say why."""
    context.log.warning(reason)
    for table in tables:
        for spec in _check_specs([table]):
            yield dg.AssetCheckResult(
                check_name=spec.name, asset_key=key(table), passed=True, description=f"Nothing was asked: {reason}"
            )


def _tell_days(
    context: dg.AssetExecutionContext, vendor_type: type[Vendor[Any]], lake: Lake, days: Sequence[date]
) -> None:
    """What became of asking landed, though the meetings didn't: coverage tells of it after the next build."""
    for day in days:
        if lake.file(vendor_type.name, DAYS, day).exists():
            context.log_event(dg.AssetMaterialization([vendor_type.name, DAYS], partition=day.isoformat()))


def _of_landed_dates(context: dg.AssetExecutionContext, landed: Landed, results: Results) -> Results:
    """Results of a run some of whose dates were left out: only what landed is held, the partition bar says so."""
    for result in results:
        if not landed.left or not isinstance(result, dg.MaterializeResult) or result.asset_key is None:
            yield result
            continue
        for day, rows in landed.tables[result.asset_key.path[1]].rows.items():
            metadata = {**(result.metadata or {}), "dagster/partition_row_count": rows}
            context.log_event(dg.AssetMaterialization(result.asset_key, partition=day.isoformat(), metadata=metadata))


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
