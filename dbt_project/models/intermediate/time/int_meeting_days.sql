{{ config(materialized=by_changes(), incremental_strategy='replace_meetings') }}

with meetings as (

    select * from {{ ref('int_meetings_unioned') }}

),

running as (

    select * from {{ ref('int_meetings_running') }}
    where {{ is_changed('meeting_key', 'int_changed_meetings') }}

),

activity as (

    select * from {{ ref('int_meeting_activity') }}

),

presence as (

    select * from {{ ref('int_presence_merged') }}
    where {{ is_changed('meeting_key', 'int_changed_meetings') }}

),

intervals as (

    select
        meeting_key,
        joined_at,
        left_at,
        duration_seconds,
        cast(joined_at as date) as first_date,
        cast(left_at as date) as last_date
    from {{ ref('attendance_intervals') }}
    where
        room <> 'waiting'
        and {{ is_changed('meeting_key', 'int_changed_meetings') }}

),

presence_days as (

    select
        meeting_key,
        activity_date,
        cast(sum({{ seconds_between('present_from', 'present_until') }}) as bigint) as attended_seconds
    from presence
    group by meeting_key, activity_date

),

-- few meetings cross midnight: what the others were active is known
meetings_over_midnight as (

    select meeting_key
    from presence_days
    group by meeting_key
    having min(activity_date) < max(activity_date)

),

presence_over_midnight as (

    select presence.*
    from presence
    inner join meetings_over_midnight
        on presence.meeting_key = meetings_over_midnight.meeting_key

),

changes as (

    select
        meeting_key,
        activity_date,
        present_from as changed_at,
        1 as change
    from presence_over_midnight

    union all

    select
        meeting_key,
        activity_date,
        present_until as changed_at,
        -1 as change
    from presence_over_midnight

),

-- a range frame takes all changes of one instant together
counted as (

    select
        meeting_key,
        activity_date,
        changed_at,
        sum(change) over (
            partition by meeting_key, activity_date
            order by changed_at
            range between unbounded preceding and current row
        ) as attendees_present,
        lead(changed_at) over (
            partition by meeting_key, activity_date
            order by changed_at
        ) as next_changed_at
    from changes

),

intervals_over_midnight as (

    select
        *,
        {{ each_date('first_date', 'last_date') }} as activity_date
    from intervals
    where first_date < last_date

),

parts as (

    select
        meeting_key,
        activity_date,
        {{ seconds_between('running_from', 'running_until') }} as meeting_seconds,
        0 as attended_seconds,
        0 as device_seconds,
        0 as active_seconds
    from running

    union all

    select
        presence_days.meeting_key,
        presence_days.activity_date,
        0 as meeting_seconds,
        presence_days.attended_seconds,
        0 as device_seconds,
        case when over_midnight.meeting_key is null then activity.active_seconds else 0 end as active_seconds
    from presence_days
    inner join activity
        on presence_days.meeting_key = activity.meeting_key
    left join meetings_over_midnight as over_midnight
        on presence_days.meeting_key = over_midnight.meeting_key

    union all

    select
        meeting_key,
        activity_date,
        0 as meeting_seconds,
        0 as attended_seconds,
        0 as device_seconds,
        {{ seconds_between('changed_at', 'next_changed_at') }} as active_seconds
    from counted
    where
        attendees_present >= 2
        and next_changed_at is not null

    union all

    select
        meeting_key,
        first_date as activity_date,
        0 as meeting_seconds,
        0 as attended_seconds,
        duration_seconds as device_seconds,
        0 as active_seconds
    from intervals
    where first_date = last_date

    union all

    select
        meeting_key,
        activity_date,
        0 as meeting_seconds,
        0 as attended_seconds,
        {{ seconds_between(
            'greatest(joined_at, cast(activity_date as timestamp))',
            'least(left_at, ' ~ plus_seconds('cast(activity_date as timestamp)', '86400') ~ ')'
        ) }} as device_seconds,
        0 as active_seconds
    from intervals_over_midnight

),

totals as (

    select
        meeting_key,
        activity_date,
        cast(sum(meeting_seconds) as bigint) as meeting_seconds,
        cast(sum(attended_seconds) as bigint) as attended_seconds,
        cast(sum(device_seconds) as bigint) as device_seconds,
        cast(sum(active_seconds) as bigint) as active_seconds
    from parts
    group by meeting_key, activity_date

),

days as (

    select
        totals.meeting_key,
        meetings.vendor,
        totals.activity_date,
        totals.meeting_seconds,
        totals.attended_seconds,
        totals.device_seconds,
        totals.active_seconds
    from totals
    inner join meetings
        on totals.meeting_key = meetings.meeting_key
    where totals.meeting_seconds > 0 or totals.device_seconds > 0

)

select * from days
