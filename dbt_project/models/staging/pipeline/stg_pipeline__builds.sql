with source as (

    select * from {{ source('pipeline', 'builds') }}

),

renamed as (

    select
        ---------- numbers
        batch as finished_batch
    from source

)

select * from renamed
