-- How dense are people's days?
-- One row per month, over identified people and all vendors.
-- Read back_to_back_share: meetings joined without a pause after the one before, of all joined. Double-booked time is
-- counted once less than the meetings somebody was in at once.
-- Columns: month_start, person_days, meetings_per_day, hours_per_day, back_to_back_share, double_booked_share,
-- longest_stretch_hours
with person_load as (

    select * from {{ ref('person_load') }}

),

months as (

    select
        cast(date_trunc('month', activity_date) as date) as month_start,
        count(*) as person_days,
        cast(sum(meetings_joined) as bigint) as meetings_joined,
        cast(sum(back_to_back_meetings) as bigint) as back_to_back_meetings,
        cast(sum(attended_seconds) as bigint) as attended_seconds,
        cast(sum(present_seconds) as bigint) as present_seconds,
        cast(sum(double_booked_seconds) as bigint) as double_booked_seconds,
        max(longest_stretch_seconds) as longest_stretch_seconds
    from person_load
    group by cast(date_trunc('month', activity_date) as date)

)

select
    month_start,
    person_days,
    cast(meetings_joined as double) / person_days as meetings_per_day,
    present_seconds / 3600.0 / person_days as hours_per_day,
    cast(back_to_back_meetings as double) / nullif(meetings_joined, 0) as back_to_back_share,
    cast(double_booked_seconds as double) / nullif(attended_seconds, 0) as double_booked_share,
    longest_stretch_seconds / 3600.0 as longest_stretch_hours
from months
order by month_start
