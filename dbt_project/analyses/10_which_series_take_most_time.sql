-- Which recurring series take most of people's time?
-- One row per series, the twenty that took the most attended hours.
-- Read hours_per_occurrence: what one more date costs, over everybody who comes.
-- Columns: vendor, series_id, host_email, occurrences, average_attendees, attended_hours, hours_per_occurrence
with series as (

    select * from {{ ref('series') }}

)

select
    vendor,
    series_id,
    host_email,
    occurrences,
    average_attendees,
    attended_seconds / 3600.0 as attended_hours,
    attended_seconds / 3600.0 / occurrences as hours_per_occurrence
from series
where is_recurring
order by attended_seconds desc, vendor, series_id
limit 20
