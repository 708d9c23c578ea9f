{{ config(materialized=by_changes(), incremental_strategy='replace_meetings') }}

with meetings as (

    select * from {{ ref('int_meetings_unioned') }}
    where
        vendor = 'zoom'
        and {{ is_changed('meeting_key', 'int_changed_meetings') }}

),

vendor_totals as (

    select * from {{ ref('stg_zoom__meetings') }}

),

-- the meeting's detail stands in for the report that Zoom doesn't give
stand_ins as (

    select distinct vendor_meeting_id
    from {{ ref('stg_zoom__participants') }}
    where is_stand_in

),

intervals as (

    select * from {{ ref('attendance_intervals') }}
    where
        vendor = 'zoom'
        and {{ is_changed('meeting_key', 'int_changed_meetings') }}

),

counted as (

    select
        meeting_key,
        count(*) as joins,
        count(*) filter (where room <> 'waiting') as joins_inside,
        sum(duration_seconds) as seconds,
        sum(duration_seconds) filter (where room <> 'waiting') as seconds_inside
    from intervals
    group by meeting_key

),

told as (

    select
        meetings.meeting_key,
        meetings.ended_date,
        coalesce(counted.joins, 0) as joins,
        coalesce(counted.joins_inside, 0) as joins_inside,
        coalesce(counted.seconds, 0) as seconds,
        ceil(cast(coalesce(counted.seconds, 0) as double) / 60) as minutes,
        ceil(cast(coalesce(counted.seconds_inside, 0) as double) / 60) as minutes_inside,
        ceil(cast(meetings.duration_seconds as double) / 60) as duration_minutes,
        vendor_totals.vendor_attendee_count,
        vendor_totals.vendor_device_minutes,
        vendor_totals.vendor_duration_minutes,
        stand_ins.vendor_meeting_id is not null as is_stand_in
    from meetings
    inner join vendor_totals
        on meetings.vendor_meeting_id = vendor_totals.vendor_meeting_id
    left join counted
        on meetings.meeting_key = counted.meeting_key
    left join stand_ins
        on meetings.vendor_meeting_id = stand_ins.vendor_meeting_id

),

measured as (

    select
        meeting_key,
        ended_date,
        'joins' as measure,
        cast(joins as double) as ours,
        cast(vendor_attendee_count as double) as vendors,
        case
            when joins_inside = vendor_attendee_count then 'waiting room'
            when is_stand_in then 'one participant'
        end as explanation
    from told

    union all

    select
        meeting_key,
        ended_date,
        'device_minutes' as measure,
        cast(minutes as double) as ours,
        cast(vendor_device_minutes as double) as vendors,
        case
            when minutes_inside = vendor_device_minutes then 'waiting room'
            -- rounded either way, of seconds that are themselves cut: up to one more a join
            when
                vendor_device_minutes between floor(cast(seconds as double) / 60)
                and ceil(cast(seconds + joins as double) / 60)
                then 'rounding'
            when is_stand_in then 'one participant'
        end as explanation
    from told

    union all

    select
        meeting_key,
        ended_date,
        'duration_minutes' as measure,
        cast(duration_minutes as double) as ours,
        cast(vendor_duration_minutes as double) as vendors,
        case
            when abs(duration_minutes - vendor_duration_minutes) <= 1 then 'rounding'
        end as explanation
    from told

),

measures as (

    select * from measured
    where vendors is not null

)

select * from measures
