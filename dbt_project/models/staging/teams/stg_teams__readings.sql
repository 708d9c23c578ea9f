with source as (

    select * from {{ source('teams', 'readings') }}

),

renamed as (

    select
        ---------- ids
        meeting_id as vendor_meeting_id,

        ---------- text
        'teams' as vendor,
        report,
        status,
        nullif(reason, '') as reason,

        ---------- numbers
        vendor_count,
        rows_held as held_count,

        ---------- booleans
        settled,

        ---------- dates and timestamps
        read_at,
        due_at,
        recoverable_until,
        ended_date
    from source

)

select * from renamed
