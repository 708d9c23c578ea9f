{{ config(materialized=by_changes(), incremental_strategy='replace_meetings') }}

with meetings as (

    select * from {{ ref('int_meetings_unioned') }}
    where
        vendor = 'teams'
        and {{ is_changed('meeting_key', 'int_changed_meetings') }}

),

records as (

    select * from {{ ref('stg_teams__attendance_records') }}
    where {{ is_at_work() }}

),

record_intervals as (

    select * from {{ ref('int_teams_record_intervals') }}

),

vendor_intervals as (

    select * from {{ ref('stg_teams__intervals') }}
    where {{ is_at_work() }}

),

attendees as (

    select * from {{ ref('attendees') }}
    where
        vendor = 'teams'
        and {{ is_changed('meeting_key', 'int_changed_meetings') }}

),

held as (

    select
        record_key,
        count(*) as intervals,
        sum({{ seconds_between('joined_at', 'left_at') }}) as held_seconds
    from record_intervals
    group by record_key

),

-- records alike in all but their times share a key, and their intervals
keyed_records as (

    select
        vendor_meeting_id,
        record_key,
        count(*) as records,
        count(*) filter (where vendor_attended_seconds is null) as records_without_total,
        sum(vendor_attended_seconds) as told_seconds
    from records
    group by vendor_meeting_id, record_key

),

told_records as (

    select
        keyed_records.vendor_meeting_id,
        sum(keyed_records.records) as records,
        coalesce(sum(keyed_records.records) filter (where held.record_key is not null), 0) as timed_records,
        sum(keyed_records.told_seconds) as told_seconds,
        coalesce(sum(keyed_records.told_seconds) filter (where held.record_key is null), 0) as told_untimed_seconds,
        coalesce(
            sum(held.held_seconds) filter (where keyed_records.records_without_total > 0), 0
        ) as held_untold_seconds,
        coalesce(sum(held.intervals), 0) as intervals
    from keyed_records
    left join held
        on keyed_records.record_key = held.record_key
    group by keyed_records.vendor_meeting_id

),

broken_intervals as (

    select
        vendor_meeting_id,
        count(*) as intervals
    from vendor_intervals
    where
        joined_at is null
        or left_at is null
        or left_at < joined_at
    group by vendor_meeting_id

),

people as (

    select
        meeting_key,
        count(*) as attendees,
        sum(device_seconds) as device_seconds
    from attendees
    group by meeting_key

),

told as (

    select
        meetings.meeting_key,
        meetings.ended_date,
        meetings.vendor_attendee_count,
        coalesce(people.attendees, 0) as attendees,
        coalesce(people.device_seconds, 0) as device_seconds,
        coalesce(told_records.records, 0) as records,
        coalesce(told_records.timed_records, 0) as timed_records,
        told_records.told_seconds,
        told_records.told_untimed_seconds,
        told_records.held_untold_seconds,
        told_records.intervals,
        broken_intervals.vendor_meeting_id is not null as has_broken_intervals
    from meetings
    left join people
        on meetings.meeting_key = people.meeting_key
    left join told_records
        on meetings.vendor_meeting_id = told_records.vendor_meeting_id
    left join broken_intervals
        on meetings.vendor_meeting_id = broken_intervals.vendor_meeting_id

),

measured as (

    select
        meeting_key,
        ended_date,
        'attendees' as measure,
        cast(attendees as double) as ours,
        cast(vendor_attendee_count as double) as vendors,
        case
            when vendor_attendee_count < attendees then null
            when vendor_attendee_count = timed_records then 'one person in several records'
            when
                vendor_attendee_count = records
                then concat_ws(
                    '; ',
                    case when attendees < timed_records then 'one person in several records' end,
                    'records without times'
                )
        end as explanation
    from told

    union all

    -- each interval may be off by the second that it was cut to
    select
        meeting_key,
        ended_date,
        'device_seconds' as measure,
        cast(device_seconds as double) as ours,
        cast(told_seconds as double) as vendors,
        case
            when abs(device_seconds - told_seconds) <= intervals then 'rounding'
            when abs(device_seconds - (told_seconds - told_untimed_seconds)) <= intervals then 'records without times'
            when abs(device_seconds - held_untold_seconds - told_seconds) <= intervals then 'records without a total'
            when has_broken_intervals then 'broken times'
        end as explanation
    from told

),

measures as (

    select * from measured
    where vendors is not null

)

select * from measures
