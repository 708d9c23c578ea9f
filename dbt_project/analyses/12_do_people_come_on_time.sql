-- Do people come on time, and stay to the end?
-- One row per month and vendor.
-- Read late_share: who joined later than grace_seconds after the meeting really started, not after its booked start.
-- A meeting of many hours that people join in turns raises average_late_minutes far more than late_share.
-- attendance_ratio is the share of the meeting an average attendee was there for.
-- Columns: month_start, vendor, attendees, late_share, average_late_minutes, left_early_share, on_time_full_share,
-- attendance_ratio
with daily_attendance as (

    select * from {{ ref('daily_attendance') }}

),

months as (

    select
        cast(date_trunc('month', ended_date) as date) as month_start,
        vendor,
        cast(sum(attendees) as bigint) as attendees,
        cast(sum(late_attendees) as bigint) as late_attendees,
        cast(sum(late_seconds) as bigint) as late_seconds,
        cast(sum(left_early_attendees) as bigint) as left_early_attendees,
        cast(sum(on_time_full_attendees) as bigint) as on_time_full_attendees,
        sum(attendance_ratio_sum) as attendance_ratio_sum,
        cast(sum(ratio_attendees) as bigint) as ratio_attendees
    from daily_attendance
    group by cast(date_trunc('month', ended_date) as date), vendor

)

select
    month_start,
    vendor,
    attendees,
    cast(late_attendees as double) / nullif(attendees, 0) as late_share,
    late_seconds / 60.0 / nullif(attendees, 0) as average_late_minutes,
    cast(left_early_attendees as double) / nullif(attendees, 0) as left_early_share,
    cast(on_time_full_attendees as double) / nullif(attendees, 0) as on_time_full_share,
    attendance_ratio_sum / nullif(ratio_attendees, 0) as attendance_ratio
from months
order by month_start, vendor
