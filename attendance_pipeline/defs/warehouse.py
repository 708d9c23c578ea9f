"""The load, the dbt models and the published file as assets. One writer of the build file at a time."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from typing import Any

import dagster as dg
from packaging.version import Version
from pydantic import Field

from attendance_pipeline.choice import sources
from attendance_pipeline.coverage import read_coverage
from attendance_pipeline.dbt import DBT, DBT_PROJECT, MANIFEST, environment, recipe, target, variables
from attendance_pipeline.defs import columns
from attendance_pipeline.defs.dbt_library import DagsterDbtTranslator, DbtCliResource, dbt_assets
from attendance_pipeline.defs.failures import tells_why
from attendance_pipeline.defs.labels import WAREHOUSE_KINDS, owners, vendor_tags
from attendance_pipeline.defs.landed import key
from attendance_pipeline.defs.pictures import picture
from attendance_pipeline.defs.preview import warehouse_metadata, with_rows
from attendance_pipeline.errors import UsageError
from attendance_pipeline.lake import Lake
from attendance_pipeline.loading import load, raw_name
from attendance_pipeline.pictures import calendar, utilization
from attendance_pipeline.settings import Settings
from attendance_pipeline.shape import Table
from attendance_pipeline.vendors.base import Vendor
from attendance_pipeline.warehouse import (
    begin_build,
    building,
    delete_build,
    finish_build,
    forget_build,
    mark_finished,
    needs_rebuild,
    publish,
)

POOL = "duckdb"

PIPELINE_TABLES = {
    "vendors": "One row per vendor: whether it is on, what is wanted of it, how long it answers.",
    "loads": "One row per raw table and ended date: the batch that last changed it.",
    "aliases": "One row per pair of identities that an analyst says are one person.",
    "roster": "One row per vendor and licensed host that an analyst names.",
    "builds": "One row, with the batch up to which every model has been built.",
}
"""What the loader itself knows; dbt sources name these assets."""

BUILD = ["build", "--exclude-resource-type", "unit_test"]
"""Data tests judge the data of this run; unit tests judge the SQL, which `make test` does."""


class Load(dg.Config):
    """How the lake is loaded."""

    from_nothing: bool = Field(
        default=False,
        description="Delete the build file first: every partition is loaded and every model built anew. Without, "
        "only what changed is",
    )


class _Dbt(DbtCliResource):
    @cached_property
    def _cli_version(self) -> Version:
        """What `dbt --version` says, which is a process of its own and takes two seconds."""
        return Version(version("dbt-core"))


class _Translator(DagsterDbtTranslator):
    """dbt's models are grouped as their folders are."""

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Without the SQL below it, which is in the repository."""
        description: str = dbt_resource_props["description"]
        return description

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        shown = dict(super().get_metadata(dbt_resource_props))
        if dbt_resource_props["resource_type"] == "model":
            shown |= columns.metadata(f"{dbt_resource_props['schema']}/{dbt_resource_props['name']}")
        return shown

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str]:
        return owners(self.get_group_name(dbt_resource_props))

    def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, str]:
        return {**super().get_tags(dbt_resource_props), **vendor_tags(dbt_resource_props["name"])}

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        folder: str = dbt_resource_props["fqn"][1]
        return folder


def raw_key(table: Table) -> dg.AssetKey:
    """The asset of a raw table; the dbt sources name it."""
    return dg.AssetKey(["raw", raw_name(table)])


def warehouse_assets(vendors: Sequence[type[Vendor[Any]]]) -> list[dg.AssetsDefinition]:
    """Load, dbt models, published file."""
    tables = [table for vendor in vendors for table in vendor.tables()]

    @dg.multi_asset(
        name="load",
        specs=[
            dg.AssetSpec(
                raw_key(table),
                deps=[key(table)],
                group_name="raw",
                owners=owners("raw"),
                kinds=WAREHOUSE_KINDS,
                tags={"vendor": table.vendor},
                description=f"{table.model.__doc__} Every partition of the lake, in the build file.",
                metadata=columns.metadata(f"raw/{raw_name(table)}"),
            )
            for table in tables
        ]
        + [
            dg.AssetSpec(
                ["raw", name],
                group_name="raw",
                owners=owners("raw"),
                kinds=WAREHOUSE_KINDS,
                description=description,
                metadata=columns.metadata(f"raw/{name}"),
            )
            for name, description in PIPELINE_TABLES.items()
        ],
        pool=POOL,
    )
    @tells_why
    def load_changed(context: dg.AssetExecutionContext, config: Load) -> Iterator[dg.MaterializeResult[Any]]:
        settings = Settings.load()
        loading = sources(vendors, settings)
        with building(settings.build):
            if config.from_nothing:
                delete_build(settings.build)
            loaded = load(Lake(settings.lake), settings.build, *loading)
            shown = warehouse_metadata(settings.build, [f"raw/{name}" for name in (*PIPELINE_TABLES, *loaded)])
        for name in PIPELINE_TABLES:
            yield dg.MaterializeResult(asset_key=["raw", name], metadata=shown.get(f"raw/{name}"))
        for table in tables:
            done = loaded[raw_name(table)]
            yield dg.MaterializeResult(
                asset_key=raw_key(table),
                metadata={"dagster/row_count": done.rows}
                | shown.get(f"raw/{raw_name(table)}", {})
                | {
                    "partitions_loaded": len(done.partitions),
                    "ended_dates_loaded": [partition.ended_date.isoformat() for partition in done.partitions[-31:]],
                },
            )

    @dbt_assets(manifest=MANIFEST, name="dbt_build", pool=POOL, dagster_dbt_translator=_Translator())
    @tells_why
    def models(context: dg.AssetExecutionContext) -> Iterator[Any]:
        settings = Settings.load()
        os.environ.update(environment(settings))
        dbt = _Dbt(project_dir=str(DBT_PROJECT), profiles_dir=str(DBT_PROJECT), dbt_executable=str(DBT))
        with building(settings.build):
            made_by, of_all = recipe(settings), context.selected_asset_keys >= tables_of_models
            anew = needs_rebuild(settings.build, made_by)
            if anew and not of_all:
                raise UsageError(
                    "these models can't be built alone: the dbt project or its variables changed since the last "
                    "build; run the job warehouse, which rebuilds all of them"
                )
            was_finished = begin_build(settings.build)
            if not of_all and not was_finished:
                raise UsageError(
                    "these models can't be built alone: not all that was loaded is built yet; run the job warehouse"
                )
            if anew:
                forget_build(settings.build)
            arguments = [*BUILD, *variables(settings), *(["--full-refresh"] if anew else [])]
            built = dbt.cli(arguments, context=context, target_path=target(settings)).stream()
            yield from with_rows(settings.build, models.keys, built)
            if of_all:
                finish_build(settings.build, made_by)
            elif was_finished:
                mark_finished(settings.build)

    tables_of_models = {
        dg.AssetKey([node["schema"], node["name"]])
        for node in json.loads(MANIFEST.read_text())["nodes"].values()
        if node["resource_type"] == "model" and node["config"]["materialized"] != "view"
    }
    marts = sorted(asset for asset in models.keys if asset.path[0] == "marts")

    @dg.asset(deps=marts, group_name="publish", owners=owners("publish"), kinds=WAREHOUSE_KINDS, pool=POOL)
    @tells_why
    def published(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        """The DuckDB file that analysts open: every mart of one finished build, replaced in one rename."""
        settings = Settings.load()
        with building(settings.build):
            size = publish(settings.build, settings.warehouse)
            hours, held = utilization(settings.build, datetime.now(UTC).date()), read_coverage(settings.build)
        return dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(str(settings.warehouse)),
                "bytes": size,
                "utilization_chart": picture(hours, "hours attended by ended date and vendor"),
                "coverage_calendar": picture(calendar(held), "what is held of every ended date"),
            }
        )

    return [load_changed, models, published]
