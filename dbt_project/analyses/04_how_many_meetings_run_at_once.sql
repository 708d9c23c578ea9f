-- How many meetings run at once, so how many hosts have to be licensed for it?
-- One row per vendor, and 'all', over everything that is held.
-- Read busy_hours_p95: a number that was enough for 95 % of each hour in 95 of 100 hours with any meeting. Round it
-- up: it is interpolated. The peak may have lasted a moment; peak_hour is the first hour (UTC) that reached it.
-- Meetings over two vendors need hosts of both, so don't plan a vendor with the row 'all'.
-- Columns: vendor, peak, peak_hour, busy_hours_p95, peak_attendees
with hourly_load as (

    select * from {{ ref('hourly_load') }}

),

peaks as (

    select
        vendor,
        max(peak_concurrent_meetings) as peak,
        percentile_cont(0.95) within group (order by p95_concurrent_meetings) as busy_hours_p95,
        max(peak_concurrent_attendees) as peak_attendees
    from hourly_load
    group by vendor

),

peak_hours as (

    select
        hourly_load.vendor,
        min(hourly_load.hour_start) as peak_hour
    from hourly_load
    inner join peaks
        on
            hourly_load.vendor = peaks.vendor
            and hourly_load.peak_concurrent_meetings = peaks.peak
    group by hourly_load.vendor

)

select
    peaks.vendor,
    peaks.peak,
    peak_hours.peak_hour,
    peaks.busy_hours_p95,
    peaks.peak_attendees
from peaks
inner join peak_hours
    on peaks.vendor = peak_hours.vendor
order by peaks.vendor
