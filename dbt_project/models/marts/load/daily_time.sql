with meeting_days as (

    select * from {{ ref('int_meeting_days') }}

),

totals as (

    select
        activity_date,
        vendor,
        cast(sum(meeting_seconds) as bigint) as meeting_seconds,
        cast(sum(attended_seconds) as bigint) as attended_seconds,
        cast(sum(device_seconds) as bigint) as device_seconds,
        cast(sum(active_seconds) as bigint) as active_seconds
    from meeting_days
    group by activity_date, vendor

)

select * from totals
