"""How long the worked questions take over a million intervals. Run by hand:

    .venv/bin/python -m attendance_pipeline_tests.benchmarks.questions [--intervals 1000000] [--keep build.duckdb]

An organisation's year in all three vendors, written as the loader lays rows down, built by dbt. Each question is
asked of a connection that answered it before (warm) and of one just opened, its opening included (cold). Prints a
Markdown table of medians; the milliseconds are this machine's.
"""

import argparse
import os
import platform
import re
import statistics
import subprocess
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from attendance_pipeline.dbt import DBT, DBT_PROJECT
from attendance_pipeline.defs.warehouse import BUILD
from attendance_pipeline_tests.dbt_project.raw_rows import RAW_TABLES

TIMES = 7

PLAN = """
create temp macro dice(number, roll) as cast(hash(number, roll) % 1000000007 as bigint);

create temp table plan as
with numbered as (
    -- six or seven joins a meeting; a quarter are of series that recur every week
    select range as number, dice(range, 0) as dice, dice(range, 1) as dice_1, dice(range, 2) as dice_2
    from range($intervals * 10 // 66)
),
placed as (
    select
        *,
        case when dice % 10 < 5 then 'zoom' when dice % 10 < 8 then 'webex' else 'teams' end as vendor,
        -- five days a week of a year, from six to eighteen o'clock, on the quarter
        date '2025-10-06' + cast(number % 260 // 5 * 7 + number % 5 as integer) as day,
        6 + dice_1 % 12 as hour,
        dice_2 % 4 * 15 as minute,
        case
            when dice_2 % 2000 = 0 then 500 + dice_1 % 500
            when dice_2 % 100 = 0 then 30 + dice_1 % 70
            when dice_2 % 20 = 0 then 0
            else 1 + dice_1 % 10
        end as attendees,
        [900, 1500, 1800, 1800, 3000, 3600, 3600, 5400][1 + dice % 8] as seconds,
        number % 260 % 5 + 5 * (number // 260 % $series) as series,
        dice_1 % $hosts as host
    from numbered
)
select
    *,
    vendor || '-' || number as id,
    case when dice % 4 = 0 then vendor || '-series-' || series else vendor || '-once-' || number end as series_id,
    case when dice_2 % 60 = 0 then 'webinar' else 'meeting' end as kind,
    day + to_hours(hour) + to_minutes(minute) as started_at,
    started_at + to_seconds(seconds) as ended_at,
    cast(ended_at as date) as ended_date,
    'host' || host || '@own.example' as host_email
from placed;

create temp table joins as
with seats as (
    select *, unnest(range(cast(attendees as bigint))) as seat from plan
),
diced as (
    select *, dice(number, seat + 3) as dice_3, dice(number, -seat) as dice_4 from seats
),
placed as (
    select
        *,
        -- who comes to a series comes again, mostly; one in six is from outside, one in ten known by name alone
        case when seat = 0 then host when dice % 4 = 0 and dice_3 % 8 > 0 then dice(series, seat) % $people
            else dice_4 % $people end as person,
        started_at + to_seconds(case when dice_3 % 5 = 0 then dice_4 % 900 else dice_4 % 120 end) as joined_at,
        greatest(joined_at, ended_at - to_seconds(case when dice_4 % 6 = 0 then dice_3 % 1200 else dice_3 % 60 end))
            as left_at
    from diced
)
select
    *,
    'Somebody ' || person as name,
    case
        when seat = 0 then host_email
        when person % 10 = 0 then null
        when person % 6 = 0 then 'who' || person || '@far' || person % 300 || '.example'
        else 'who' || person || '@own.example'
    end as email
from placed;
"""

ROWS = {
    "zoom_meetings": """
        select id as uuid, 80000000000 + case when dice % 4 = 0 then series else 1000000 + number end as id,
            kind = 'webinar' as is_webinar, 'A topic' as topic, 'A host' as user_name,
            host_email as user_email, started_at as start_time, ended_at as end_time,
            seconds // 60 as duration, cast(attendees as integer) as participants_count, ended_date
        from plan where vendor = 'zoom'""",
    "zoom_participants": """
        select id as meeting_uuid, cast(seat as varchar) as user_id, '' as id, name,
            coalesce(email, '') as user_email, joined_at as join_time, left_at as leave_time,
            'in_meeting' as status, 'participants' as source, ended_date
        from joins where vendor = 'zoom'""",
    "webex_meetings": """
        select series_id || '_I_' || number as meeting_id, 'A title' as meeting_title, kind as scheduled_type,
            'A host' as host_display_name, host_email, started_at as start_time, ended_at as end_time,
            cast(attendees as integer) as total_participants, 'meetings,usage' as listed_by, ended_date
        from plan where vendor = 'webex'""",
    "webex_participants": """
        select series_id || '_I_' || number as meeting_id, series_id || '_I_' || number || '_' || seat as id, email,
            name as display_name, 'end' as state, joined_at as joined_time, left_at as left_time,
            [{
                'correlation_id': 'c' || seat, 'device_type': ['mac', 'windows', 'ios'][1 + dice_4 % 3],
                'audio_type': ['voip', 'voip', 'pstn'][1 + dice_3 % 3], 'joined_time': joined_at,
                'left_time': left_at, 'duration_second': cast(null as integer), 'call_type': null,
                'phone_number': null
            }] as devices,
            ended_date
        from joins where vendor = 'webex'""",
    "teams_attendance_reports": """
        select id as report_id, kind, 'list' as source, series_id as online_meeting_id, 'own' as organizer_tenant_id,
            host_email as organizer_email, 'A subject' as subject, started_at as meeting_start_time,
            cast(attendees as integer) as total_participant_count, ended_at as meeting_end_time, ended_date
        from plan where vendor = 'teams'""",
    "teams_attendance_records": """
        select id as report_id, joined_at as first_join_time, cast(seat as varchar) as record_id,
            email as email_address, cast(date_diff('second', joined_at, left_at) as integer)
            as total_attendance_in_seconds, 'Attendee' as role, name as identity_display_name,
            [{
                'join_date_time': joined_at, 'leave_date_time': left_at,
                'duration_in_seconds': cast(date_diff('second', joined_at, left_at) as integer)
            }] as attendance_intervals,
            ended_date
        from joins where vendor = 'teams'""",
    "zoom_readings": "",
    "webex_readings": "",
    "teams_readings": "",
    "zoom_days": "",
    "webex_days": "",
    "teams_days": "",
    "vendors": """
        select unnest(['zoom', 'webex', 'teams']) as vendor, true as is_on, date '2025-10-06' as first_date,
            date '2026-10-05' as as_of, 1800 as first_read_seconds, 86400 as settles_seconds,
            15552000 as listed_seconds, 31536000 as recoverable_seconds""",
    "roster": """
        select distinct vendor, 'host' || host % ($hosts * 5 // 4) || '@own.example' as host_email
        from (select vendor, unnest(range($hosts * 5 // 4)) as host from (select distinct vendor from plan))""",
}
READINGS = """
    select case when vendor = 'webex' then series_id || '_I_' || number else id end as meeting_id,
        '{report}' as report, 'complete' as status, attendees as vendor_count, attendees as rows_held,
        0 as rows_quarantined, 1 as attempts, ended_at + interval 1 day as read_at, true as settled, ended_date
    from plan where vendor = '{vendor}'"""
DAYS = """
    select distinct on (ended_date) 'complete' as status, true as settled, 0 as rows_quarantined, ended_date
    from plan where vendor = '{vendor}'"""
REPORTS = {"zoom": "participants", "webex": "participants", "teams": "attendance_records"}


def write_raw(path: Path, intervals: int) -> int:
    """The raw tables of that many joins or nearly; how many."""
    sizes = {
        "intervals": intervals,
        "people": max(50, intervals // 100),
        "hosts": max(10, intervals // 1000),
        "series": max(2, intervals // 8000),
    }
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as build (storage_version 'v1.5.0')")
        connection.execute("use build")
        connection.execute("create schema raw")
        connection.execute(RAW_TABLES.read_text())
        run(connection, PLAN, sizes)
        for vendor, report in REPORTS.items():
            ROWS[f"{vendor}_readings"] = READINGS.format(vendor=vendor, report=report)
            ROWS[f"{vendor}_days"] = DAYS.format(vendor=vendor)
        for table, rows in ROWS.items():
            run(connection, f"insert into raw.{table} by name {rows}", sizes)
        [(written,)] = connection.execute("select count(*) from joins").fetchall()
    return int(written)


def run(connection: duckdb.DuckDBPyConnection, sql: str, sizes: dict[str, int]) -> None:
    for name, value in sizes.items():
        sql = sql.replace(f"${name}", str(value))
    connection.execute(sql)


def build(path: Path) -> None:
    """All models and data tests, as a run builds them."""
    subprocess.run(
        [DBT, *BUILD, "--project-dir", DBT_PROJECT, "--profiles-dir", DBT_PROJECT, "--quiet"],
        check=True,
        env=os.environ | {"ATTENDANCE_BUILD": str(path), "DBT_TARGET_PATH": str(path.parent / "dbt")},
    )


def milliseconds(path: Path, sql: str) -> tuple[float, float, int]:
    """Warm, cold, and how many rows."""
    cold, warm = [], []
    for _ in range(TIMES):
        began = time.perf_counter()
        with duckdb.connect(str(path), read_only=True) as connection:
            rows = connection.execute(sql).fetchall()
            cold.append(time.perf_counter() - began)
    with duckdb.connect(str(path), read_only=True) as connection:
        for _ in range(TIMES + 1):
            began = time.perf_counter()
            rows = connection.execute(sql).fetchall()
            warm.append(time.perf_counter() - began)
    return statistics.median(warm[1:]) * 1000, statistics.median(cold) * 1000, len(rows)


def main() -> None:
    """Make, build, ask."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--intervals", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="build here, or ask what was built here before")
    chosen = parser.parse_args()
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}; duckdb {version('duckdb')}, dbt-core {version('dbt-core')}"
    )
    with TemporaryDirectory() as folder:
        path = chosen.keep or Path(folder) / "build.duckdb"
        if not path.exists():
            began = time.perf_counter()
            written = write_raw(path, chosen.intervals)
            made = time.perf_counter()
            build(path)
            done = time.perf_counter()
            print(f"{written:,} intervals written in {made - began:.0f} s, built in {done - made:.0f} s")
        print("\n| question | rows | warm ms | cold ms |\n|---|---:|---:|---:|")
        for question in sorted((DBT_PROJECT / "analyses").glob("*.sql")):
            sql = re.sub(r"{{ ref\('(\w+)'\) }}", r"marts.\1", question.read_text())
            warm, cold, rows = milliseconds(path, sql)
            print(f"| {question.stem[3:].replace('_', ' ')} | {rows} | {warm:.0f} | {cold:.0f} |", flush=True)


if __name__ == "__main__":
    main()
