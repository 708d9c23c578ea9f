-- When do we meet: which hours of the week are the busiest?
-- One row per weekday (1 is Monday) and hour of the day, over all months and vendors, in the time zone of the
-- variable time_zone; the busiest first.
-- Read share_of_time: hours of the week in which nobody ever was are left out. One large meeting may make an hour the
-- busiest, so see meeting_hours beside it.
-- Columns: weekday, hour, attended_hours, share_of_time, meeting_hours
with heat_map as (

    select * from {{ ref('heat_map') }}

),

hours as (

    select
        weekday,
        hour,
        cast(sum(attended_seconds) as bigint) as attended_seconds,
        cast(sum(meeting_seconds) as bigint) as meeting_seconds
    from heat_map
    group by weekday, hour

)

select
    weekday,
    hour,
    attended_seconds / 3600.0 as attended_hours,
    cast(attended_seconds as double) / nullif(sum(attended_seconds) over (), 0) as share_of_time,
    meeting_seconds / 3600.0 as meeting_hours
from hours
where attended_seconds > 0
order by attended_seconds desc, weekday, hour
