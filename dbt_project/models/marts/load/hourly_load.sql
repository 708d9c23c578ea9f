with quarters as (

    select * from {{ ref('int_load_levels') }}

),

hours as (

    select
        date_trunc('hour', quarter_start) as hour_start,
        vendor,
        measure,
        level,
        sum(seconds) as seconds
    from quarters
    group by date_trunc('hour', quarter_start), vendor, measure, level

),

ranked as (

    select
        *,
        sum(seconds) over (
            partition by hour_start, vendor, measure
            order by level desc
        ) as seconds_at_least
    from hours

),

-- a level suffices where what is above it takes at most 5 % of the hour; none does where anything takes no more
measures as (

    select
        hour_start,
        vendor,
        measure,
        cast(sum(level * seconds) as bigint) as total_seconds,
        max(level) as peak,
        case
            when max(seconds_at_least) <= 180 then 0
            else min(level) filter (where seconds_at_least - seconds <= 180)
        end as p95
    from ranked
    group by hour_start, vendor, measure

),

hourly as (

    select
        hour_start,
        vendor,
        coalesce(max(total_seconds) filter (where measure = 'meetings'), 0) as meeting_seconds,
        coalesce(max(total_seconds) filter (where measure = 'attendees'), 0) as attended_seconds,
        coalesce(max(peak) filter (where measure = 'meetings'), 0) as peak_concurrent_meetings,
        coalesce(max(p95) filter (where measure = 'meetings'), 0) as p95_concurrent_meetings,
        coalesce(max(peak) filter (where measure = 'attendees'), 0) as peak_concurrent_attendees,
        coalesce(max(p95) filter (where measure = 'attendees'), 0) as p95_concurrent_attendees
    from measures
    group by hour_start, vendor

)

select * from hourly
