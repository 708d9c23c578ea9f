-- How many meetings met nobody?
-- One row per month and vendor, webinars and their like left out.
-- Read nobody_share: empty meetings and those of one attendee, of all. host_only_meetings, which hosts alone
-- attended, are partly the same. A meeting whose attendance isn't held counts as empty, so see question 20 first.
-- continued_meetings are the second part of one whose host dropped.
-- Columns: month_start, vendor, meetings, empty_meetings, single_attendee_meetings, host_only_meetings, nobody_share,
-- continued_meetings
with daily_meeting_shape as (

    select * from {{ ref('daily_meeting_shape') }}

),

months as (

    select
        cast(date_trunc('month', ended_date) as date) as month_start,
        vendor,
        cast(sum(meetings) as bigint) as meetings,
        cast(sum(empty_meetings) as bigint) as empty_meetings,
        cast(sum(single_attendee_meetings) as bigint) as single_attendee_meetings,
        cast(sum(host_only_meetings) as bigint) as host_only_meetings,
        cast(sum(host_drops) as bigint) as continued_meetings
    from daily_meeting_shape
    where kind = 'meeting'
    group by cast(date_trunc('month', ended_date) as date), vendor

)

select
    month_start,
    vendor,
    meetings,
    empty_meetings,
    single_attendee_meetings,
    host_only_meetings,
    cast(empty_meetings + single_attendee_meetings as double) / meetings as nobody_share,
    continued_meetings
from months
order by month_start, vendor
