with source as (

    select * from {{ source('webex', 'participants') }}

),

unnested as (

    select
        meeting_id,
        id,
        {{ unnest_list('devices', 'device', 'device_number') }}
    from source

),

renamed as (

    select
        ---------- ids
        meeting_id as vendor_meeting_id,
        id as participant_id,
        device_number,
        nullif(device.correlation_id, '') as correlation_id,

        ---------- text
        nullif(device.device_type, '') as device_type,
        nullif(device.audio_type, '') as audio_type,

        ---------- timestamps
        device.joined_time as joined_at,
        device.left_time as left_at
    from unnested

)

select * from renamed
