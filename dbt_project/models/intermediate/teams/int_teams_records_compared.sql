{{ config(materialized=by_changes(), incremental_strategy='replace_meetings') }}

with records as (

    select * from {{ ref('stg_teams__attendance_records') }}
    where {{ is_at_work() }}

),

intervals as (

    select * from {{ ref('int_teams_record_intervals') }}

),

held as (

    select
        record_key,
        count(*) as intervals,
        sum({{ seconds_between('joined_at', 'left_at') }}) as held_seconds
    from intervals
    group by record_key

),

-- records alike in all but their times share a key
told as (

    select
        vendor_meeting_id,
        record_key,
        count(*) as people,
        sum(vendor_attended_seconds) as told_seconds
    from records
    group by vendor_meeting_id, record_key

),

counted as (

    select
        md5('teams|' || told.vendor_meeting_id) as meeting_key,
        told.vendor_meeting_id,
        -- each interval may be off by the second that it was cut to
        sum(told.people) filter (
            where abs(told.told_seconds - held.held_seconds) > held.intervals
        ) as people_apart,
        sum(told.people) filter (where held.record_key is null) as people_without_times
    from told
    left join held
        on told.record_key = held.record_key
    group by told.vendor_meeting_id

)

select * from counted
