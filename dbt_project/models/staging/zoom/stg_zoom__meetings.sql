with source as (

    select * from {{ source('zoom', 'meetings') }}

),

renamed as (

    select
        ---------- ids
        uuid as vendor_meeting_id,
        cast(id as string) as series_id,

        ---------- text
        'zoom' as vendor,
        nullif(topic, '') as title,
        case when is_webinar then 'webinar' else 'meeting' end as kind,
        nullif(user_email, '') as host_email,
        coalesce(nullif(user_name, ''), nullif(host_name, '')) as host_name,
        nullif(listed_by, '') as found_by,

        ---------- numbers
        cast(participants_count as bigint) as vendor_attendee_count,
        cast(total_minutes as bigint) as vendor_device_minutes,
        cast(duration as bigint) as vendor_duration_minutes,

        ---------- booleans

        ---------- dates and timestamps
        start_time as started_at,
        end_time as ended_at,
        -- Zoom's reports tell of no schedule
        cast(null as timestamp) as scheduled_start_at,
        cast(null as timestamp) as scheduled_end_at,
        ended_date
    from source

)

select * from renamed
