-- Is use growing from week to week?
-- One row per week from Monday on, over all vendors, the oldest first.
-- Read attendees_change, the share by which this week exceeds the one before: null in the first week and where nobody
-- met the week before. A week that isn't complete looks like a fall.
-- Columns: week_start, is_complete, attendees, attendees_change, new_attendees, hosts, new_hosts
with active_people as (

    select * from {{ ref('active_people') }}

),

weeks as (

    select
        *,
        lag(active_attendees) over (order by period_start) as attendees_before
    from active_people
    where
        period = 'week'
        and vendor = 'all'

)

select
    period_start as week_start,
    is_complete,
    active_attendees as attendees,
    cast(active_attendees - attendees_before as double) / nullif(attendees_before, 0) as attendees_change,
    new_attendees,
    active_hosts as hosts,
    new_hosts
from weeks
order by week_start
