with source as (

    select * from {{ source('teams', 'recordings') }}

),

renamed as (

    select
        ---------- ids
        report_id as vendor_meeting_id,

        ---------- text
        'teams' as vendor,
        artifact,
        nullif(content_type, '') as content_type,
        nullif(file, '') as file,

        ---------- numbers
        size_in_bytes,

        ---------- booleans
        is_available
    from source

)

select * from renamed
