with source as (

    select * from {{ source('pipeline', 'roster') }}

),

renamed as (

    select distinct
        ---------- text
        vendor,
        lower(trim(host_email)) as host_email
    from source

)

select * from renamed
