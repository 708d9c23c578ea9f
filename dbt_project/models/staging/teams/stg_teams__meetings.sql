with source as (

    select * from {{ source('teams', 'attendance_reports') }}

),

renamed as (

    select
        ---------- ids
        report_id as vendor_meeting_id,
        case
            when kind in ('webinar', 'town_hall') then coalesce(nullif(event_id, ''), nullif(online_meeting_id, ''))
            else nullif(online_meeting_id, '')
        end as series_id,
        nullif(online_meeting_id, '') as online_meeting_id,
        nullif(event_id, '') as event_id,
        nullif(session_id, '') as session_id,
        nullif(organizer_id, '') as organizer_id,
        nullif(organizer_tenant_id, '') as organizer_tenant_id,

        ---------- text
        'teams' as vendor,
        nullif(subject, '') as title,
        kind,
        nullif(trim(organizer_email), '') as host_email,
        nullif(organizer_name, '') as host_name,
        nullif(meeting_type, '') as meeting_type,
        source as report_source,
        nullif(found_by, '') as found_by,
        nullif(external_event_information, '') as external_event_information,

        ---------- numbers
        cast(total_participant_count as bigint) as vendor_attendee_count,

        ---------- booleans
        is_registration_required,
        -- what recurs, or was never booked, has a start that is another day's
        coalesce(meeting_type in ('scheduled', 'broadcast'), false) or kind in ('webinar', 'town_hall') as is_booked_once,

        ---------- dates and timestamps
        meeting_start_time as started_at,
        meeting_end_time as ended_at,
        scheduled_start_time as scheduled_start_at,
        scheduled_end_time as scheduled_end_at,
        ended_date
    from source

)

select * from renamed
