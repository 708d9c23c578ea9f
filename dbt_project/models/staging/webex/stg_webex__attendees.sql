with source as (

    select * from {{ source('webex', 'attendees') }}

),

renamed as (

    select
        ---------- ids
        meeting_id as vendor_meeting_id,

        ---------- text
        'webex' as vendor,
        nullif(email, '') as email,
        nullif(display_name, '') as display_name,
        coalesce(nullif(lower(trim(email)), ''), nullif(lower(trim(display_name)), '')) as known_as,
        nullif(client_agent, '') as client_agent,

        ---------- booleans
        registered as is_registered,

        ---------- dates and timestamps
        joined_time as joined_at,
        left_time as left_at,
        ended_date
    from source

)

select * from renamed
