{{ config(materialized='view') }}

with meetings as (

    select * from {{ ref('int_meetings_unioned') }}

),

dated as (

    select
        meeting_key,
        vendor,
        started_at,
        ended_at,
        cast(started_at as date) as first_date,
        cast(ended_at as date) as last_date
    from meetings
    where started_at < ended_at

),

over_dates as (

    select
        *,
        {{ each_date('first_date', 'last_date') }} as activity_date
    from dated

),

cut_at_midnight as (

    select
        meeting_key,
        vendor,
        activity_date,
        greatest(started_at, cast(activity_date as timestamp)) as running_from,
        least(ended_at, {{ plus_seconds('cast(activity_date as timestamp)', '86400') }}) as running_until
    from over_dates

),

pieces as (

    select * from cut_at_midnight
    -- what ends at midnight doesn't run on the day that begins
    where running_from < running_until

)

select * from pieces
