-- Which vendor is used most, by the time people spend in its meetings?
-- One row per month and vendor, the month's largest first.
-- Read share_of_hours: the vendors of a month add up to 1.
-- Columns: month_start, vendor, attended_hours, share_of_hours, meeting_hours
with daily_time as (

    select * from {{ ref('daily_time') }}

),

months as (

    select
        cast(date_trunc('month', activity_date) as date) as month_start,
        vendor,
        cast(sum(attended_seconds) as bigint) as attended_seconds,
        cast(sum(meeting_seconds) as bigint) as meeting_seconds
    from daily_time
    group by cast(date_trunc('month', activity_date) as date), vendor

)

select
    month_start,
    vendor,
    attended_seconds / 3600.0 as attended_hours,
    cast(attended_seconds as double)
        / nullif(sum(attended_seconds) over (partition by month_start), 0) as share_of_hours,
    meeting_seconds / 3600.0 as meeting_hours
from months
order by month_start, attended_seconds desc, vendor
