"""One vendor's lake tables as assets: ask, check, replace, report. The same factory for every vendor."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import dagster as dg
import pyarrow as pa
from pydantic import Field

from attendance_pipeline.archive import Archive
from attendance_pipeline.choice import why_not_asked
from attendance_pipeline.days import DAYS
from attendance_pipeline.defs.failures import tells_why
from attendance_pipeline.defs.labels import LAKE_KINDS, owners
from attendance_pipeline.defs.landed import Results, check_specs, key, results
from attendance_pipeline.errors import UsageError
from attendance_pipeline.files import alone
from attendance_pipeline.http.errors import VendorError
from attendance_pipeline.lake import Lake
from attendance_pipeline.landing import Landed, land_attendance, land_meetings
from attendance_pipeline.plan import plan
from attendance_pipeline.settings import Settings
from attendance_pipeline.shape import Table
from attendance_pipeline.vendors import VENDORS
from attendance_pipeline.vendors.base import Vendor

MOST_DATES = 10_000
"""Dates of one run: more than anybody has, so that a backfill is one run in the fewest windows."""

PROGRESS = "progress"
"""The resource that is told how far a pull is: nobody in a deployment, the console script's display in a terminal."""


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
        specs=[_spec(table, deps=[]) for table in listing_tables],
        check_specs=check_specs(listing_tables),
        **common,
    )
    @tells_why
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
        told = results(context, listing_tables, landed, vendor_type.timing, lake)
        yield from _of_landed_dates(context, landed, told)
        if landed.left and not config.ask:
            raise UsageError(
                f"{name} never answered about {len(landed.left)} of these dates, the first of them {landed.left[0]}: "
                "there is nothing to rebuild them from. The others' meetings are rebuilt; leave those out "
                "(the job reshape does), or pull them"
            )

    @dg.multi_asset(
        name=f"{name}_attendance",
        specs=[_spec(table, deps=[key(vendor_type.meetings_table)]) for table in attendance_tables],
        check_specs=check_specs(attendance_tables),
        **common,
    )
    @tells_why
    def attendance(context: dg.AssetExecutionContext, config: Landing) -> Results:
        settings = Settings.load()
        if config.ask and (reason := why_not_asked(vendor_type, settings)):
            yield from _off(context, attendance_tables, reason)
            return
        vendor, lake = vendor_type(settings, Archive(settings.lake, name)), Lake(settings.lake)
        with _landing_alone(settings, name):
            landed = land_attendance(vendor, lake, _days(context), context.resources.progress, ask=config.ask)
        told = results(context, attendance_tables, landed, vendor_type.timing, lake)
        yield from _of_landed_dates(context, landed, told)

    return [meetings, attendance]


def _off(context: dg.AssetExecutionContext, tables: Sequence[Table], reason: str) -> Results:
    """A vendor that is off breaks nothing: nothing lands, and its checks say why."""
    context.log.warning(reason)
    for table in tables:
        for spec in check_specs([table]):
            yield dg.AssetCheckResult(
                check_name=spec.name, asset_key=key(table), passed=True, description=f"Nothing was asked: {reason}"
            )


def _tell_days(
    context: dg.AssetExecutionContext, vendor_type: type[Vendor[Any]], lake: Lake, days: Sequence[date]
) -> None:
    """What became of asking landed, though the meetings didn't: coverage tells of it after the next build."""
    for day in days:
        if lake.has(vendor_type.name, DAYS, day):
            context.log_event(dg.AssetMaterialization([vendor_type.name, DAYS], partition=day.isoformat()))


def _of_landed_dates(context: dg.AssetExecutionContext, landed: Landed, found: Results) -> Results:
    """Results of a run some of whose dates were left out: only what landed is held, the partition bar says so."""
    for result in found:
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


def _spec(table: Table, deps: Sequence[dg.AssetKey]) -> dg.AssetSpec:
    return dg.AssetSpec(
        key(table),
        deps=deps,
        # Nothing lands where the vendor is off, or where the quota was spent before every list was read.
        skippable=True,
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
