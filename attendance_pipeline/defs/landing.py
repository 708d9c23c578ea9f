"""One vendor's lake tables as assets: ask, check, replace, report. The same factory for every vendor."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import dagster as dg
import pyarrow as pa
from pydantic import Field

from attendance_pipeline.archive import Archive
from attendance_pipeline.days import DAYS
from attendance_pipeline.defs.landed import Results, check_specs, key, results
from attendance_pipeline.files import alone
from attendance_pipeline.lake import Lake
from attendance_pipeline.landing import land_attendance, land_meetings
from attendance_pipeline.plan import plan
from attendance_pipeline.settings import Settings
from attendance_pipeline.shape import Table
from attendance_pipeline.vendors.base import Vendor

PROGRESS = "progress"
"""The resource that is told how far a pull is: nobody in a deployment, the console script's display in a terminal."""


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
        check_specs=check_specs(listing_tables),
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
        yield from results(context, listing_tables, landed, vendor_type.timing)

    @dg.multi_asset(
        name=f"{name}_attendance",
        specs=[_spec(table, deps=[key(vendor_type.meetings_table)]) for table in attendance_tables],
        check_specs=check_specs(attendance_tables),
        **common,
    )
    def attendance(context: dg.AssetExecutionContext, config: Landing) -> Results:
        settings, vendor = _configured(vendor_type, config)
        with _landing_alone(settings, name):
            landed = land_attendance(
                vendor, Lake(settings.lake), _days(context), context.resources.progress, ask=config.ask
            )
        yield from results(context, attendance_tables, landed, vendor_type.timing)

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
        group_name="landing",
        kinds={"parquet"},
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
