{{ config(materialized=by_changes(), incremental_strategy='replace_meetings') }}

with changes as (

    select * from {{ ref('int_presence_changes') }}
    where {{ is_changed('meeting_key', 'int_changed_meetings') }}

),

-- a range frame takes all changes of one instant together: who leaves then never meets who joins then
counted as (

    select
        meeting_key,
        changed_at,
        sum(change) over (
            partition by meeting_key
            order by changed_at
            range between unbounded preceding and current row
        ) as attendees_present,
        lead(changed_at) over (
            partition by meeting_key
            order by changed_at
        ) as next_changed_at
    from changes

),

activity as (

    select
        meeting_key,
        cast(max(attendees_present) as bigint) as peak_attendees,
        cast(
            coalesce(
                sum({{ seconds_between('changed_at', 'next_changed_at') }}) filter (where attendees_present >= 2), 0
            ) as bigint
        ) as active_seconds
    from counted
    group by meeting_key

)

select * from activity
