with intervals as (

    select * from {{ ref('attendance_intervals') }}

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

)

select * from merged
