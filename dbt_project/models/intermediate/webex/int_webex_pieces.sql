with participants as (

    select * from {{ ref('stg_webex__participants') }}
    -- of the meetings at work alone
    where {{ is_at_work() }}

),

breakouts as (

    select * from {{ ref('stg_webex__breakouts') }}
    -- of the meetings at work alone
    where {{ is_at_work() }}

),

stretches as (

    select * from {{ ref('int_webex_stretches') }}

),

sessions as (

    select
        breakouts.vendor_meeting_id,
        breakouts.participant_id,
        breakouts.joined_at,
        breakouts.left_at
    from breakouts
    inner join participants
        on
            breakouts.vendor_meeting_id = participants.vendor_meeting_id
            and breakouts.participant_id = participants.participant_id
    where
        breakouts.joined_at < breakouts.left_at
        and participants.room <> 'waiting'

),

with_sessions as (

    select distinct
        vendor_meeting_id,
        participant_id
    from sessions

),

stretches_beside_sessions as (

    select stretches.*
    from stretches
    inner join with_sessions
        on
            stretches.vendor_meeting_id = with_sessions.vendor_meeting_id
            and stretches.participant_id = with_sessions.participant_id

),

-- most people are in no breakout session, and whole stretches need no windows
whole_stretches as (

    select
        stretches.vendor_meeting_id,
        stretches.participant_id,
        stretches.device_name,
        stretches.device_type,
        stretches.audio_type,
        stretches.room,
        stretches.joined_at,
        stretches.left_at
    from stretches
    left join with_sessions
        on
            stretches.vendor_meeting_id = with_sessions.vendor_meeting_id
            and stretches.participant_id = with_sessions.participant_id
    where with_sessions.participant_id is null

),

sessions_in_stretches as (

    select
        stretches.vendor_meeting_id,
        stretches.participant_id,
        stretches.device_number,
        stretches.left_at as stretch_left_at,
        greatest(sessions.joined_at, stretches.joined_at) as joined_at,
        sessions.left_at
    from stretches_beside_sessions as stretches
    inner join sessions
        on
            stretches.vendor_meeting_id = sessions.vendor_meeting_id
            and stretches.participant_id = sessions.participant_id
            and stretches.joined_at < sessions.left_at
            -- a stretch of no length is in the session that begins with it
            and (stretches.left_at > sessions.joined_at or stretches.joined_at = sessions.joined_at)

),

changes_in_stretches as (

    select
        vendor_meeting_id,
        participant_id,
        device_number,
        joined_at as changed_at,
        0 as change
    from stretches_beside_sessions

    union all

    select
        vendor_meeting_id,
        participant_id,
        device_number,
        joined_at as changed_at,
        1 as change
    from sessions_in_stretches

    union all

    select
        vendor_meeting_id,
        participant_id,
        device_number,
        left_at as changed_at,
        -1 as change
    from sessions_in_stretches
    where left_at < stretch_left_at

),

instants_in_stretches as (

    select
        vendor_meeting_id,
        participant_id,
        device_number,
        changed_at,
        sum(change) as change
    from changes_in_stretches
    group by vendor_meeting_id, participant_id, device_number, changed_at

),

cut as (

    select
        vendor_meeting_id,
        participant_id,
        device_number,
        changed_at as joined_at,
        lead(changed_at) over (
            partition by vendor_meeting_id, participant_id, device_number
            order by changed_at
        ) as next_joined_at,
        sum(change) over (
            partition by vendor_meeting_id, participant_id, device_number
            order by changed_at
            rows between unbounded preceding and current row
        ) as open_sessions
    from instants_in_stretches

),

pieces_of_stretches as (

    select
        stretches.vendor_meeting_id,
        stretches.participant_id,
        stretches.device_name,
        stretches.device_type,
        stretches.audio_type,
        case when cut.open_sessions > 0 then 'breakout' else stretches.room end as room,
        cut.joined_at,
        coalesce(cut.next_joined_at, stretches.left_at) as left_at
    from stretches_beside_sessions as stretches
    inner join cut
        on
            stretches.vendor_meeting_id = cut.vendor_meeting_id
            and stretches.participant_id = cut.participant_id
            and stretches.device_number = cut.device_number

),

changes_of_participants as (

    select
        vendor_meeting_id,
        participant_id,
        joined_at as changed_at,
        1 as session_change,
        0 as stretch_change
    from sessions

    union all

    select
        vendor_meeting_id,
        participant_id,
        left_at as changed_at,
        -1 as session_change,
        0 as stretch_change
    from sessions

    union all

    select
        vendor_meeting_id,
        participant_id,
        joined_at as changed_at,
        0 as session_change,
        1 as stretch_change
    from stretches_beside_sessions
    where joined_at < left_at

    union all

    select
        vendor_meeting_id,
        participant_id,
        left_at as changed_at,
        0 as session_change,
        -1 as stretch_change
    from stretches_beside_sessions
    where joined_at < left_at

),

instants_of_participants as (

    select
        vendor_meeting_id,
        participant_id,
        changed_at,
        sum(session_change) as session_change,
        sum(stretch_change) as stretch_change
    from changes_of_participants
    group by vendor_meeting_id, participant_id, changed_at

),

counted as (

    select
        vendor_meeting_id,
        participant_id,
        changed_at as joined_at,
        lead(changed_at) over (
            partition by vendor_meeting_id, participant_id
            order by changed_at
        ) as left_at,
        sum(session_change) over (
            partition by vendor_meeting_id, participant_id
            order by changed_at
            rows between unbounded preceding and current row
        ) as open_sessions,
        sum(stretch_change) over (
            partition by vendor_meeting_id, participant_id
            order by changed_at
            rows between unbounded preceding and current row
        ) as open_stretches
    from instants_of_participants

),

sessions_beyond_stretches as (

    select
        vendor_meeting_id,
        participant_id,
        '' as device_name,
        cast(null as string) as device_type,
        cast(null as string) as audio_type,
        'breakout' as room,
        joined_at,
        left_at
    from counted
    where
        open_sessions > 0
        and open_stretches = 0

),

pieces as (

    select * from whole_stretches

    union all

    select * from pieces_of_stretches

    union all

    select * from sessions_beyond_stretches

)

select * from pieces
