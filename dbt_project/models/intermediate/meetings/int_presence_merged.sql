{{ config(materialized=by_changes(), incremental_strategy='replace_meetings') }}

with intervals as (

    select * from {{ ref('attendance_intervals') }}
    where {{ is_changed('meeting_key', 'int_changed_meetings') }}

),

present as (

    select
        meeting_key,
        attendee_key,
        joined_at,
        left_at
    from intervals
    where
        room <> 'waiting'
        and joined_at < left_at

),

compared as (

    select
        *,
        max(left_at) over (
            partition by attendee_key
            order by joined_at, left_at
            rows between unbounded preceding and 1 preceding
        ) as left_before_at,
        max(left_at) over (
            partition by attendee_key
            order by joined_at, left_at
            rows between unbounded preceding and unbounded following
        ) as last_left_at
    from present

),

-- a stretch begins where everything earlier is over, and lasts until what comes before the next one
beginnings as (

    select *
    from compared
    where
        left_before_at is null
        or left_before_at < joined_at

),

merged as (

    select
        meeting_key,
        attendee_key,
        joined_at as present_from,
        coalesce(
            lead(left_before_at) over (
                partition by attendee_key
                order by joined_at
            ),
            last_left_at
        ) as present_until
    from beginnings

),

dated as (

    select
        *,
        cast(present_from as date) as first_date,
        cast(present_until as date) as last_date
    from merged

),

-- few stretches cross midnight
over_midnight as (

    select
        *,
        {{ each_date('first_date', 'last_date') }} as activity_date
    from dated
    where first_date < last_date

),

cut_at_midnight as (

    select
        meeting_key,
        attendee_key,
        activity_date,
        greatest(present_from, cast(activity_date as timestamp)) as present_from,
        least(present_until, {{ plus_seconds('cast(activity_date as timestamp)', '86400') }}) as present_until
    from over_midnight

),

pieces as (

    select
        meeting_key,
        attendee_key,
        first_date as activity_date,
        present_from,
        present_until
    from dated
    where first_date = last_date

    union all

    select * from cut_at_midnight
    -- who leaves at midnight isn't there on the day that begins
    where present_from < present_until

)

select * from pieces
