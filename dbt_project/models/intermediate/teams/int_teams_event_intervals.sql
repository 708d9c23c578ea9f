{{ config(materialized='view') }}

with meetings as (

    select * from {{ ref('stg_teams__meetings') }}

),

events as (

    select * from {{ ref('stg_teams__attendee_events') }}
    -- of the meetings at work alone
    where {{ is_at_work() }}

),

-- one browser is one person, whom a row may leave unnamed
sessions as (

    select
        vendor_meeting_id,
        session_id,
        min(account_id) as account_id,
        min(email) as email,
        min(display_name) as display_name,
        min(user_agent) as client,
        case
            when bool_or(role = 'host') then 'host'
            when bool_or(role = 'presenter') then 'presenter'
            when bool_or(role = 'attendee') then 'attendee'
        end as role
    from events
    group by vendor_meeting_id, session_id

),

distinct_events as (

    select distinct
        vendor_meeting_id,
        session_id,
        action,
        happened_at
    from events

),

-- who joins and leaves in one second joined first; 'Joined' sorts before 'Left'
neighbours as (

    select
        *,
        lag(action) over (
            partition by vendor_meeting_id, session_id
            order by happened_at, action
        ) as action_before,
        lag(happened_at) over (
            partition by vendor_meeting_id, session_id
            order by happened_at, action
        ) as happened_before_at,
        lead(happened_at) over (
            partition by vendor_meeting_id, session_id
            order by happened_at, action
        ) as happens_next_at
    from distinct_events

),

paired as (

    select
        neighbours.vendor_meeting_id,
        neighbours.session_id,
        case
            when neighbours.action = 'Joined' then neighbours.happened_at
            else coalesce(
                neighbours.happened_before_at, least(neighbours.happened_at, meetings.started_at)
            )
        end as joined_at,
        case
            when neighbours.action = 'Left' then neighbours.happened_at
            else coalesce(
                neighbours.happens_next_at, greatest(neighbours.happened_at, meetings.ended_at)
            )
        end as left_at
    from neighbours
    inner join meetings
        on neighbours.vendor_meeting_id = meetings.vendor_meeting_id
    where
        neighbours.action = 'Joined'
        -- a leave that follows a join ends that one
        or coalesce(neighbours.action_before, 'Left') = 'Left'

),

intervals as (

    select
        paired.vendor_meeting_id,
        paired.session_id,
        sessions.account_id,
        sessions.email,
        sessions.display_name,
        sessions.role,
        sessions.client,
        paired.joined_at,
        paired.left_at
    from paired
    inner join sessions
        on
            paired.vendor_meeting_id = sessions.vendor_meeting_id
            and paired.session_id = sessions.session_id

)

select * from intervals
