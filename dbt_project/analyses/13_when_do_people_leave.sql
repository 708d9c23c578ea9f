-- When do people leave: how many are still there after five, ten, fifteen minutes?
-- One row per fifth minute of a meeting up to two hours, over all months and vendors.
-- Read present_share: of the attendees of all meetings that lasted so long, who was there at that minute. It
-- is low at minute 0, as most people join after the start. Fewer meetings reach later minutes, so compare it with the
-- column meetings beside it.
-- Columns: minute, meetings, attendees, present_share
with drop_off as (

    select * from {{ ref('drop_off') }}

),

minutes as (

    select
        minute,
        cast(sum(meetings) as bigint) as meetings,
        cast(sum(attendees) as bigint) as attendees,
        cast(sum(present_attendees) as bigint) as present_attendees
    from drop_off
    where
        minute <= 120
        and minute % 5 = 0
    group by minute

)

select
    minute,
    meetings,
    attendees,
    cast(present_attendees as double) / nullif(attendees, 0) as present_share
from minutes
order by minute
