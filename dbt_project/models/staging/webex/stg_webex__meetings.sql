with source as (

    select * from {{ source('webex', 'meetings') }}

),

renamed as (

    select
        ---------- ids
        meeting_id as vendor_meeting_id,
        split_part(meeting_id, '_I_', 1) as series_id,

        ---------- text
        'webex' as vendor,
        nullif(meeting_title, '') as title,
        case when scheduled_type = 'webinar' then 'webinar' else 'meeting' end as kind,
        nullif(host_email, '') as host_email,
        nullif(host_display_name, '') as host_name,
        nullif(listed_by, '') as found_by,

        ---------- numbers
        cast(total_participants as bigint) as vendor_attendee_count,
        cast(total_people_minutes as double) as vendor_people_minutes,
        cast(peak_attendee as bigint) as vendor_peak_attendees,
        cast(total_registered as bigint) as vendor_registered_count,

        ---------- dates and timestamps
        start_time as started_at,
        end_time as ended_at,
        -- nor do Webex's of ended meetings
        cast(null as timestamp) as scheduled_start_at,
        cast(null as timestamp) as scheduled_end_at,
        ended_date
    from source

)

select * from renamed
