-- the check belongs to this mart in the Dagster UI
{{ config(meta={"dagster": {"ref": {"name": "daily_utilization"}}}) }}

with days as (

    select
        coalesce(sum(meetings), 0) as meetings,
        sum(attendees) as attendees,
        sum(attended_seconds) as attended_seconds,
        sum(device_seconds) as device_seconds,
        sum(active_seconds) as active_seconds
    from {{ ref('daily_utilization') }}

),

meetings as (

    select
        count(*) as meetings,
        sum(attendee_count) as attendees,
        sum(attended_seconds) as attended_seconds,
        sum(device_seconds) as device_seconds,
        sum(active_seconds) as active_seconds
    from {{ ref('meetings') }}

),

differences as (

    select * from days
    except
    select * from meetings

)

select * from differences
