with source as (

    select * from {{ source('pipeline', 'loads') }}

),

renamed as (

    select
        ---------- text
        vendor,
        raw_table,

        ---------- numbers
        batch,

        ---------- booleans
        -- neither a reading nor a day's status is a row of a meeting
        vendor is not null
            and raw_table not like '%@_readings' escape '@'
            and raw_table not like '%@_days' escape '@' as is_of_meetings,

        ---------- dates and timestamps
        ended_date
    from source

)

select * from renamed
