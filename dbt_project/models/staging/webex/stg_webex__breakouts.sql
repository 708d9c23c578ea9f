with source as (

    select * from {{ source('webex', 'participants') }}

),

unnested as (

    select
        meeting_id,
        id,
        {{ unnest_list('breakout_sessions_attended', 'breakout', 'breakout_number') }}
    from source

),

renamed as (

    select
        ---------- ids
        meeting_id as vendor_meeting_id,
        id as participant_id,
        breakout_number,
        nullif(breakout.id, '') as breakout_id,

        ---------- text
        nullif(breakout.name, '') as breakout_name,

        ---------- timestamps
        breakout.joined_time as joined_at,
        breakout.left_time as left_at
    from unnested

)

select * from renamed
