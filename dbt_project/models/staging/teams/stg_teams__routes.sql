with source as (

    select * from {{ source('teams', 'meetings') }}

),

renamed as (

    select
        ---------- ids
        id as vendor_meeting_id,
        nullif(report_id, '') as report_id,
        nullif(online_meeting_id, '') as online_meeting_id,
        nullif(event_id, '') as event_id,
        nullif(session_id, '') as session_id,
        nullif(organizer_id, '') as organizer_id,
        nullif(organizer_tenant_id, '') as organizer_tenant_id,
        nullif(series_master_id, '') as series_master_id,

        ---------- text
        'teams' as vendor,
        route,
        kind,
        nullif(subject, '') as title,
        nullif(trim(organizer_email), '') as host_email,
        nullif(organizer_name, '') as host_name,
        nullif(join_web_url, '') as join_web_url,
        nullif(call_type, '') as call_type,
        nullif(calendar_event_type, '') as calendar_event_type,
        nullif(modalities, '') as modalities,
        status,
        nullif(reason, '') as reason,

        ---------- numbers
        version,

        ---------- dates and timestamps
        start_time as started_at,
        end_time as ended_at,
        last_modified_time as last_modified_at,
        ended_date
    from source

)

select * from renamed
