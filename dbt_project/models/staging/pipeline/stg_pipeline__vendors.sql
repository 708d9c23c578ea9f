with source as (

    select * from {{ source('pipeline', 'vendors') }}

),

renamed as (

    select
        ---------- text
        vendor,

        ---------- numbers
        first_read_seconds,
        settles_seconds,
        listed_seconds,
        recoverable_seconds,

        ---------- booleans
        is_on,

        ---------- dates and timestamps
        first_date,
        as_of
    from source

)

select * from renamed
