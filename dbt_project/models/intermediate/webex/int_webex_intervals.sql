with participants as (

    select * from {{ ref('stg_webex__participants') }}
    -- of the meetings at work alone
    where {{ is_at_work() }}

),

attendees as (

    select * from {{ ref('stg_webex__attendees') }}
    -- of the meetings at work alone
    where {{ is_at_work() }}

),

pieces as (

    select * from {{ ref('int_webex_pieces') }}

),

-- the attendees report names a client and no device, the participants report a device and no client
clients as (

    select
        vendor_meeting_id,
        known_as,
        min(client_agent) as client
    from attendees
    where known_as is not null
    group by vendor_meeting_id, known_as
    having min(client_agent) = max(client_agent)

),

of_participants as (

    select
        pieces.vendor_meeting_id,
        pieces.participant_id,
        participants.email,
        participants.display_name,
        coalesce(participants.known_as, pieces.participant_id) as person,
        pieces.device_name,
        pieces.device_type as device,
        clients.client,
        pieces.audio_type as audio,
        pieces.room,
        pieces.joined_at,
        pieces.left_at
    from pieces
    inner join participants
        on
            pieces.vendor_meeting_id = participants.vendor_meeting_id
            and pieces.participant_id = participants.participant_id
    left join clients
        on
            participants.vendor_meeting_id = clients.vendor_meeting_id
            and participants.known_as = clients.known_as

),

meetings_of_participants as (

    select distinct vendor_meeting_id
    from of_participants

),

of_attendees as (

    select
        attendees.vendor_meeting_id,
        cast(null as string) as participant_id,
        attendees.email,
        attendees.display_name,
        coalesce(attendees.known_as, '') as person,
        '' as device_name,
        cast(null as string) as device,
        attendees.client_agent as client,
        cast(null as string) as audio,
        'main' as room,
        attendees.joined_at,
        attendees.left_at
    from attendees
    left join meetings_of_participants
        on attendees.vendor_meeting_id = meetings_of_participants.vendor_meeting_id
    where
        meetings_of_participants.vendor_meeting_id is null
        and attendees.joined_at <= attendees.left_at

),

chosen as (

    select * from of_participants

    union all

    select * from of_attendees

),

named as (

    select
        *,
        person || '|' || cast(joined_at as string) || '|' || device_name as natural_key
    from chosen

),

-- rows that tie are alike in all that is shown, so it doesn't matter which of them comes first
numbered as (

    select
        *,
        row_number() over (
            partition by vendor_meeting_id, natural_key
            order by
                left_at,
                room,
                coalesce(display_name, ''),
                coalesce(email, ''),
                coalesce(device, ''),
                coalesce(client, ''),
                coalesce(audio, '')
        ) as occurrence
    from named

),

intervals as (

    select
        'webex' as vendor,
        vendor_meeting_id,
        natural_key || '|' || cast(occurrence as string) as vendor_interval_id,
        cast(null as string) as account_id,
        cast(null as string) as registrant_id,
        participant_id,
        email,
        display_name,
        room,
        cast(null as string) as role,
        cast(null as boolean) as is_own_account,
        device,
        client,
        audio,
        joined_at,
        left_at
    from numbered

)

select * from intervals
