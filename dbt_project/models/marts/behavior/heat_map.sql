with levels as (

    select * from {{ ref('int_load_levels') }}
    where vendor <> 'all'

),

quarters as (

    select
        vendor,
        quarter_start,
        coalesce(sum(level * seconds) filter (where measure = 'meetings'), 0) as meeting_seconds,
        coalesce(sum(level * seconds) filter (where measure = 'attendees'), 0) as attended_seconds
    from levels
    group by vendor, quarter_start

),

-- no zone's clock is put forward or back within a quarter of an hour
local_quarters as (

    select
        vendor,
        {{ local_time('quarter_start') }} as local_start,
        meeting_seconds,
        attended_seconds
    from quarters

),

placed as (

    select
        cast(date_trunc('month', local_start) as date) as month_start,
        vendor,
        cast({{ weekday_of('local_start') }} as bigint) as weekday,
        cast(extract(hour from local_start) as bigint) as hour,
        meeting_seconds,
        attended_seconds
    from local_quarters

),

totals as (

    select
        month_start,
        vendor,
        weekday,
        hour,
        cast(sum(meeting_seconds) as bigint) as meeting_seconds,
        cast(sum(attended_seconds) as bigint) as attended_seconds
    from placed
    group by month_start, vendor, weekday, hour

)

select * from totals
