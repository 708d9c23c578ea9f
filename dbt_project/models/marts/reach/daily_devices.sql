with meeting_devices as (

    select * from {{ ref('int_meeting_devices') }}

),

totals as (

    select
        ended_date,
        vendor,
        property,
        value,
        cast(sum(joins) as bigint) as joins,
        cast(sum(attendees) as bigint) as attendees,
        cast(sum(device_seconds) as bigint) as device_seconds
    from meeting_devices
    group by ended_date, vendor, property, value

)

select * from totals
