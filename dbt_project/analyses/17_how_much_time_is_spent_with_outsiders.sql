-- How much of the attended time is of people from outside?
-- One row per month and vendor; time counts on the month in which the meeting ended.
-- Read external_share with unknown_share beside it: who can't be placed may be either. identified_share says how much
-- of the time an address or account stands behind.
-- Columns: month_start, vendor, attended_hours, internal_share, external_share, unknown_share, identified_share
with daily_attendance as (

    select * from {{ ref('daily_attendance') }}

),

months as (

    select
        cast(date_trunc('month', ended_date) as date) as month_start,
        vendor,
        cast(sum(attended_seconds) as bigint) as attended_seconds,
        cast(sum(internal_attended_seconds) as bigint) as internal_seconds,
        cast(sum(external_attended_seconds) as bigint) as external_seconds,
        cast(sum(unknown_attended_seconds) as bigint) as unknown_seconds,
        cast(sum(identified_attended_seconds) as bigint) as identified_seconds
    from daily_attendance
    group by cast(date_trunc('month', ended_date) as date), vendor

)

select
    month_start,
    vendor,
    attended_seconds / 3600.0 as attended_hours,
    cast(internal_seconds as double) / nullif(attended_seconds, 0) as internal_share,
    cast(external_seconds as double) / nullif(attended_seconds, 0) as external_share,
    cast(unknown_seconds as double) / nullif(attended_seconds, 0) as unknown_share,
    cast(identified_seconds as double) / nullif(attended_seconds, 0) as identified_share
from months
order by month_start, vendor
