with meetings as (

    select * from {{ ref('int_meetings_unioned') }}

),

compared as (

    select
        meeting_key,
        vendor,
        series_id,
        started_at,
        ended_at,
        max(ended_at) over (
            partition by vendor, series_id
            order by started_at, ended_at, meeting_key
            rows between unbounded preceding and 1 preceding
        ) as latest_end_at
    from meetings
    where series_id is not null

),

chained as (

    select
        meeting_key,
        vendor,
        series_id,
        started_at,
        ended_at,
        sum(
            case when started_at <= {{ plus_seconds('latest_end_at', var('host_drop_seconds')) }} then 0 else 1 end
        ) over (
            partition by vendor, series_id
            order by started_at, ended_at, meeting_key
            rows between unbounded preceding and current row
        ) as chain_number
    from compared

),

parts as (

    select
        meeting_key,
        first_value(meeting_key) over (
            partition by vendor, series_id, chain_number
            order by started_at, ended_at, meeting_key
        ) as logical_meeting_key
    from chained

    union all

    select
        meeting_key,
        meeting_key as logical_meeting_key
    from meetings
    where series_id is null

)

select * from parts
