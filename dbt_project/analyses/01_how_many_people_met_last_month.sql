-- How many people met last month, how many of them for the first time, and how many hosted?
-- One row per month and vendor, the newest first; 'all' is all vendors together, a person once.
-- Read the newest row whose is_complete is true: a running month still grows. Stickiness is the share of the month's
-- people who were there on an average day.
-- Columns: month_start, vendor, is_complete, attendees, new_attendees, returning_attendees, stickiness, hosts
with active_people as (

    select * from {{ ref('active_people') }}

)

select
    period_start as month_start,
    vendor,
    is_complete,
    active_attendees as attendees,
    new_attendees,
    returning_attendees,
    attendee_stickiness as stickiness,
    active_hosts as hosts
from active_people
where period = 'month'
order by month_start desc, vendor
