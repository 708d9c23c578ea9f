with source as (

    select * from {{ source('teams', 'days') }}

),

renamed as (

    select
        ---------- text
        'teams' as vendor,
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
