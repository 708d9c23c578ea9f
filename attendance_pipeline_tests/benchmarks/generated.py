"""Years of an organisation's meetings in the lake, written and not landed: fetching so many would take days.

All three vendors' partitions in their real schemas: many small meetings, a few of hundreds, a quarter of them of
weekly series whose people come again. Follows from its arguments alone.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from attendance_pipeline.lake import QUARANTINE, Lake
from attendance_pipeline.sandbox import Size
from attendance_pipeline.sandbox.organisation import Organisation
from attendance_pipeline.settings import Settings
from attendance_pipeline.vendors import VENDORS

from .measuring import Numbers, report

_PLAN = """
create temp macro dice(number, roll) as cast(hash(number, roll) % 1000000007 as bigint);

create temp table plan as
with weekdays as (
    select cast(day as date) as day, row_number() over (order by day) - 1 as place, count(*) over () as how_many
    from unnest(generate_series(date '$first', date '$last', interval 1 day)) as days(day)
    where isodow(day) < 6
),
numbered as (
    -- six or seven joins a meeting; a quarter are of series that recur every week
    select
        range as number, dice(range, 0) as dice, dice(range, 1) as dice_1, dice(range, 2) as dice_2,
        day, isodow(day) - 1 as weekday, range // how_many as of_day
    from range($intervals * 10 // 66)
    inner join weekdays on range % how_many = place
),
placed as (
    select
        *,
        case when dice % 10 < 5 then 'zoom' when dice % 10 < 8 then 'webex' else 'teams' end as vendor,
        -- from six to eighteen o'clock, on the quarter
        6 + dice_1 % 12 as hour,
        dice_2 % 4 * 15 as minute,
        case
            when dice_2 % 2000 = 0 then 500 + dice_1 % 500
            when dice_2 % 100 = 0 then 30 + dice_1 % 70
            when dice_2 % 20 = 0 then 0
            else 1 + dice_1 % 10
        end as attendees,
        [900, 1500, 1800, 1800, 3000, 3600, 3600, 5400][1 + dice % 8] as seconds,
        weekday + 5 * (of_day % $series) as series,
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
    coalesce(getvariable('addresses')[host + 1], 'host' || host || '@own.example') as host_email
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
        when person < len(getvariable('addresses')) then getvariable('addresses')[person + 1]
        when person % 6 = 0 then 'who' || person || '@far' || person % 300 || '.example'
        else 'who' || person || '@own.example'
    end as email
from placed;
"""

_ROWS = {
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
}
_READINGS = """
    select case when vendor = 'webex' then series_id || '_I_' || number else id end as meeting_id,
        '{report}' as report, 'complete' as status, attendees as vendor_count, attendees as rows_held,
        0 as rows_quarantined, 1 as attempts, ended_at + interval 1 day as read_at, true as settled,
        ended_at + interval 1 year as recoverable_until, ended_date
    from plan where vendor = '{vendor}'"""
_DAYS = """
    select distinct on (ended_date) 'complete' as status, true as settled, 0 as rows_quarantined,
        cast(ended_date + interval 1 year as timestamp) as recoverable_until, ended_date
    from plan where vendor = '{vendor}'"""
_REPORTS = {"zoom": "participants", "webex": "participants", "teams": "attendance_records"}


@dataclass(frozen=True)
class History:
    """What the organisation did.

    Attributes:
        per_day: joins a weekday, or nearly.
        first: ended date.
        last: ended date, included.
        addresses: of people who have an address elsewhere too; others are made up.
    """

    per_day: int
    first: date
    last: date
    addresses: Sequence[str] = ()

    def write(self, root: Path) -> int:
        """Its partitions, into the lake below this folder; how many joins."""
        lake = Lake(root)
        with duckdb.connect() as connection:
            connection.execute("set preserve_insertion_order = false")
            connection.execute("set variable addresses = ?::varchar[]", [list(self.addresses)])
            for statement in duckdb.extract_statements(self._filled(_PLAN)):
                connection.execute(statement)
            for vendor in VENDORS.values():
                for table in (*vendor.listing_tables, *vendor.attendance_tables):
                    rows = _rows(vendor.name, table.name)
                    if rows:
                        relation = connection.sql(f"select * from ({rows}) order by ended_date")  # noqa: S608
                        for day, of_day in _by_day(relation.to_arrow_table()):
                            partition = _as_landed(of_day, table.schema)
                            lake.replace(vendor.name, table.name, day, partition, QUARANTINE.empty_table())
            [(written,)] = connection.execute("select count(*) from joins").fetchall()
        return int(written)

    def _filled(self, sql: str) -> str:
        weekdays = max(1, (self.last - self.first).days * 5 // 7)
        sizes = {
            "intervals": self.per_day * weekdays,
            "people": max(50, self.per_day * 5),
            "hosts": max(10, self.per_day // 2),
            "series": max(2, self.per_day // 12),
            "first": self.first,
            "last": self.last,
        }
        for name, value in sizes.items():
            sql = sql.replace(f"${name}", str(value))
        return sql


def _rows(vendor: str, table: str) -> str:
    if table == "readings":
        return _READINGS.format(vendor=vendor, report=_REPORTS[vendor])
    if table == "days":
        return _DAYS.format(vendor=vendor)
    return _ROWS.get(f"{vendor}_{table}", "")


def _by_day(rows: pa.Table) -> Iterator[tuple[date, pa.Table]]:
    runs = rows["ended_date"].combine_chunks()
    counted = pc.run_end_encode(runs)
    begin = 0
    for day, end in zip(counted.values.to_pylist(), counted.run_ends.to_pylist(), strict=True):
        yield day, rows.slice(begin, end - begin)
        begin = end


def _as_landed(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table's own columns; those that aren't made up are null, or empty where null isn't allowed."""
    empty: dict[Any, Any] = {pa.string(): "", pa.bool_(): False, pa.int32(): 0, pa.int64(): 0}
    columns = []
    for entry in schema:
        if entry.name in rows.column_names:
            columns.append(rows[entry.name].cast(entry.type))
        elif entry.nullable:
            columns.append(pa.nulls(rows.num_rows, entry.type))
        else:
            columns.append(pa.repeat(pa.scalar(empty[entry.type], entry.type), rows.num_rows))
    return pa.table(columns, schema=schema)


def write() -> Numbers:
    """What the environment tells of, into its lake."""
    asked = {name: os.environ[f"HISTORY_{name.upper()}"] for name in ("per_day", "first", "last")}
    served = Size.of_rows(*(int(os.environ[f"HISTORY_{name}"]) for name in ("FETCHED", "SERVED_DAYS")))
    history = History(
        int(asked["per_day"]),
        date.fromisoformat(asked["first"]),
        date.fromisoformat(asked["last"]),
        [person.email for person in Organisation(size=served, mix={"zoom": 1}).employees],
    )
    return {"rows": history.write(Settings.load().lake)}


if __name__ == "__main__":
    report(write)
