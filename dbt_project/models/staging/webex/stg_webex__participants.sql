with source as (

    select * from {{ source('webex', 'participants') }}

),

renamed as (

    select
        ---------- ids
        meeting_id as vendor_meeting_id,
        id as participant_id,

        ---------- text
        'webex' as vendor,
        nullif(email, '') as email,
        nullif(display_name, '') as display_name,
        coalesce(nullif(lower(trim(email)), ''), nullif(lower(trim(display_name)), '')) as known_as,
        case when state = 'lobby' then 'waiting' else 'main' end as room,

        ---------- dates and timestamps
        joined_time as joined_at,
        left_time as left_at,
        ended_date
    from source

)

select * from renamed
