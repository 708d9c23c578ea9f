with source as (

    select * from {{ source('zoom', 'participants') }}

),

renamed as (

    select
        ---------- ids
        meeting_uuid as vendor_meeting_id,
        coalesce(user_id, '') || '|' || cast(join_time as string) as vendor_interval_id,
        coalesce(nullif(participant_user_id, ''), nullif(id, '')) as account_id,
        nullif(registrant_id, '') as registrant_id,
        cast(null as string) as participant_id,

        ---------- text
        'zoom' as vendor,
        nullif(user_email, '') as email,
        nullif(name, '') as display_name,
        case
            when status = 'in_waiting_room' then 'waiting'
            when nullif(bo_mtg_id, '') is not null then 'breakout'
            else 'main'
        end as room,
        cast(null as string) as role,
        -- Zoom's report tells of none of these
        cast(null as string) as device,
        cast(null as string) as client,
        cast(null as string) as audio,

        ---------- booleans
        -- since 2023-03-03 Zoom hides the account ids of people outside the host's account
        case
            when coalesce(nullif(participant_user_id, ''), nullif(id, '')) is not null then true
        end as is_own_account,
        source = 'meeting_detail' as is_stand_in,

        ---------- dates and timestamps
        join_time as joined_at,
        leave_time as left_at,
        ended_date
    from source

)

select * from renamed
