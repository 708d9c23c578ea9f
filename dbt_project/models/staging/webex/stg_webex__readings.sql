with source as (

    select * from {{ source('webex', 'readings') }}

),

renamed as (

    select
        ---------- ids
        meeting_id as vendor_meeting_id,

        ---------- text
        'webex' as vendor,
        report,
        status,
        nullif(reason, '') as reason,
        cast(null as string) as found_by,

        ---------- numbers
        vendor_count,
        rows_held as held_count,

        ---------- booleans
        true as is_attendance,
        settled,

        ---------- dates and timestamps
        read_at,
        due_at,
        recoverable_until,
        ended_date
    from source

)

select * from renamed
