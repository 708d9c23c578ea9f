-- How long and how large are meetings, and which of them take people's time?
-- One row per band of duration and band of size, the most time first, webinars and their like left out.
-- Read share_of_meetings beside share_of_time: few large meetings may take most of it.
-- Columns: duration_band, size_band, meetings, share_of_meetings, attended_hours, share_of_time
with meeting_distribution as (

    select * from {{ ref('meeting_distribution') }}

),

bands as (

    select
        duration_band,
        size_band,
        cast(sum(meetings) as bigint) as meetings,
        cast(sum(attended_seconds) as bigint) as attended_seconds
    from meeting_distribution
    where kind = 'meeting'
    group by duration_band, size_band

)

select
    duration_band,
    size_band,
    meetings,
    cast(meetings as double) / sum(meetings) over () as share_of_meetings,
    attended_seconds / 3600.0 as attended_hours,
    cast(attended_seconds as double) / nullif(sum(attended_seconds) over (), 0) as share_of_time
from bands
order by attended_seconds desc, duration_band, size_band
