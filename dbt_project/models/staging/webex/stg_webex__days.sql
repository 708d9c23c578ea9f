with source as (

    select * from {{ source('webex', 'days') }}

),

renamed as (

    select
        ---------- text
        'webex' as vendor,
        status,
        nullif(reason, '') as reason,

        ---------- numbers
        rows_quarantined,

        ---------- booleans
        settled,

        ---------- dates and timestamps
        asked_at,
        recoverable_until,
        ended_date
    from source

)

select * from renamed
