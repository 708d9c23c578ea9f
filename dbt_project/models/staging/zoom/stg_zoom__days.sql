with source as (

    select * from {{ source('zoom', 'days') }}

),

renamed as (

    select
        ---------- text
        'zoom' as vendor,
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
