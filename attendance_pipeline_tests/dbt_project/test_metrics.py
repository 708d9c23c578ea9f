"""The catalogue says what is counted: each metric, asked of MetricFlow on the built file, beside a plain count."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

from attendance_pipeline.dbt import MANIFEST
from attendance_pipeline.defs import catalogue
from attendance_pipeline.settings import PROJECT

from .brute_force import Expected
from .conftest import Built, Dbt, Rows
from .counted_marts import CountedMarts
from .counted_metrics import COUNTED, DATED, METRICS, OVER_ALL_VENDORS, Dated, Number
from .facts import Facts
from .raw_rows import RawRows, Row


def alike(one: Number, other: Number) -> bool:
    """A day's sums of ratios are kept to nine places."""
    return one == other if one is None or other is None else math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-7)


class RendersForDuckDB:
    """What MetricFlow has to know of a database to write SQL for it."""

    sql_engine_type = SqlEngine.DUCKDB
    sql_plan_renderer = DuckDbSqlPlanRenderer()


@dataclass
class Asked:
    """MetricFlow's answers, read from the built file."""

    engine: MetricFlowEngine
    connection: duckdb.DuckDBPyConnection

    def __call__(self, group_by: Sequence[str] = (), **what: Any) -> list[Row]:
        request = MetricFlowQueryRequest.create(group_by_names=list(group_by) or None, **what)
        found = self.connection.execute(self.engine.explain(request).sql_statement.sql)
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, values, strict=True)) for values in found.fetchall()]


@pytest.fixture(scope="session")
def ask(built: Built, dbt: Dbt) -> Iterator[Asked]:
    told = dbt.build.parent / "target" / "semantic_manifest.json"
    if not told.exists():
        dbt("parse")
    manifest = parse_manifest_from_dbt_generated_manifest(manifest_json_string=told.read_text())
    with duckdb.connect() as connection:
        connection.execute(f"attach '{built.path}' as {dbt.build.stem} (read_only)")
        yield Asked(MetricFlowEngine(SemanticManifestLookup(manifest), RendersForDuckDB()), connection)


@pytest.fixture(scope="session")
def marts(raw: RawRows, facts: Facts, expected: Expected, rows: Rows) -> CountedMarts:
    return CountedMarts(raw, facts, expected, rows("select * from marts.reconciliation"))


@pytest.fixture(scope="session")
def metrics() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {
        metric["name"]: metric for metric in json.loads(MANIFEST.read_text())["metrics"].values()
    }
    return found


def groups(
    rows: list[Row], dated: Dated, grain: str | None, others: Sequence[str]
) -> dict[tuple[Any, ...], list[Row]]:
    """The rows by the period that begins then, if one is wanted, and by these columns."""
    found: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        period = [begin(row[dated.column], grain)] if grain else []
        found[(*period, *(row[column] for column in others))].append(row)
    return found


def begin(moment: date | datetime | None, grain: str) -> datetime | None:
    if moment is None:
        return None
    if grain == "hour" and isinstance(moment, datetime):
        return moment
    day = moment.date() if isinstance(moment, datetime) else moment
    if grain == "week":
        day -= timedelta(days=day.weekday())
    return datetime.combine(day.replace(day=1) if grain == "month" else day, time())


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_is_what_is_counted_whatever_it_is_grouped_by(metric: str, ask: Asked, marts: CountedMarts) -> None:
    """In total, per period of its mart and whatever else the mart knows, per month, and per week and vendor."""
    mart = METRICS[metric]
    dated, fold = DATED[mart], COUNTED[mart][metric]
    no_vendor = [(name, column) for name, column in dated.others if name != "vendor"]
    with_vendor = [(name, column) for name, column in dated.others if name == "vendor"]
    weekly = [] if dated.grain == "month" else [("week", with_vendor)]
    for grain, others in [(None, []), (None, no_vendor), (dated.grain, dated.others), ("month", []), *weekly]:
        names = [f"metric_time__{grain}"] * bool(grain) + [name for name, _ in others]
        answers = ask(names, metric_names=[metric])
        answered = {tuple(row[name] for name in names): row[metric] for row in answers}
        assert len(answered) == len(answers)

        held = marts[mart]
        if mart in OVER_ALL_VENDORS and not any(name == "vendor" for name, _ in others):
            held = [row for row in held if row["vendor"] == "all"]
        counted = {
            key: fold(rows) for key, rows in groups(held, dated, grain, [column for _, column in others]).items()
        }
        # of a mart's rows a filter may leave none
        assert answered.keys() <= counted.keys()
        assert {key for key, number in counted.items() if number is not None} <= answered.keys()
        for key, number in answered.items():
            assert alike(number, counted[key]), (names, key, number, counted[key])
        assert any(number is not None for number in answered.values())


def test_every_metric_of_the_catalogue_is_counted(metrics: dict[str, dict[str, Any]]) -> None:
    assert METRICS.keys() == metrics.keys()


def test_each_metric_says_what_it_means(metrics: dict[str, dict[str, Any]]) -> None:
    columns = {
        node["name"]: node["columns"].keys()
        for node in json.loads(MANIFEST.read_text())["nodes"].values()
        if node["resource_type"] == "model"
    }
    for name, metric in metrics.items():
        meta = metric["config"]["meta"]
        assert metric["label"], name
        assert metric["description"].strip().endswith("."), name
        assert meta.keys() - {"is_part"} == {"unit", "grain", "denominator", "column", "vendors"}, name
        assert meta["unit"], name
        assert meta["vendors"].keys() == {"zoom", "webex", "teams"}, name
        assert all(meta["vendors"].values()), name
        if metric["type"] == "ratio":
            assert meta["denominator"], name
        for source in meta["column"]:
            mart, column = source.split(".")
            assert column in columns[mart], source
        assert METRICS[name] in {source.split(".")[0] for source in meta["column"]}, name


def test_nothing_that_may_not_be_summed_is_summed() -> None:
    """Distinct people and peaks are counted again or the highest is taken, unless one row in each period is asked."""
    manifest = json.loads(MANIFEST.read_text())
    summed = {
        (model["name"], measure["name"])
        for model in manifest["semantic_models"].values()
        if model["model"] in {"ref('active_people')", "ref('hourly_load')", "ref('person_days')"}
        for measure in model["measures"]
        if measure["agg"] in {"sum", "average"}
    }

    assert summed == {("active_people", "new_attendees"), ("active_people", "new_hosts")}
    for name in ("new_attendees", "new_hosts"):
        [where] = manifest["metrics"][f"metric.attendance.{name}"]["filter"]["where_filters"]
        assert "period') }} = 'day'" in where["where_sql_template"]
        assert "of_vendor') }} = 'all'" in where["where_sql_template"]


def test_people_are_split_by_what_is_known_of_them(ask: Asked, facts: Facts) -> None:
    answered = ask(["person__is_identified"], metric_names=["active_attendees"])

    who: dict[bool, set[Hashable]] = defaultdict(set)
    for meeting in facts.meetings.values():
        for attendee in meeting.attendees:
            who[attendee.is_identified].add(attendee.person)
    # hosts who never attended aren't in people, and attended nothing
    counted = {row["person__is_identified"]: row["active_attendees"] for row in answered}
    assert counted == {True: len(who[True]), False: len(who[False]), None: 0}


@pytest.mark.parametrize("name", ["weekly_utilization", "monthly_hosts", "trust"])
def test_saved_queries_answer(ask: Asked, name: str) -> None:
    answered = ask(saved_query_name=name)

    assert {row["vendor"] for row in answered} >= {"zoom", "webex", "teams"}


def test_marts_of_different_grains_are_asked_together(ask: Asked, marts: CountedMarts) -> None:
    answered = ask(
        ["metric_time__day", "vendor"], metric_names=["meetings", "attended_hours", "peak_concurrent_meetings"]
    )

    dates = {begin(row["activity_date"], "day") for row in marts["daily_time"]}
    assert {row["metric_time__day"] for row in answered} >= dates
    assert {row["vendor"] for row in answered} == {"zoom", "webex", "teams", "all"}


def test_the_dates_of_the_metrics_hold_every_date_of_the_marts(rows: Rows, marts: CountedMarts) -> None:
    dates = [row["date_day"] for row in rows("select date_day from marts.dates order by date_day")]

    assert dates == [dates[0] + timedelta(days=number) for number in range(len(dates))]
    assert {*dates} >= {row["activity_date"] for row in marts["daily_time"]}
    assert {*dates} >= {row["ended_date"] for row in marts["coverage_days"]}
    [hours] = rows("select count(*) as hours, min(hour_start) as first, max(hour_start) as last from marts.hours")
    assert hours["hours"] == 24 * len(dates)
    assert hours["last"] - hours["first"] == timedelta(hours=24 * len(dates) - 1)


def test_the_readmes_table_is_the_catalogue(metrics: dict[str, dict[str, Any]]) -> None:
    readme = (Path(PROJECT) / "README.md").read_text()

    assert catalogue.BEGINS in readme, "python -m attendance_pipeline.defs.catalogue --write"
    told = readme.split(catalogue.BEGINS)[1].split(catalogue.ENDS)[0].strip()
    assert told == catalogue.table(metrics.values()).strip()
