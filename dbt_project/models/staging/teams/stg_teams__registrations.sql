with source as (

    select * from {{ source('teams', 'registrations') }}

),

renamed as (

    select
        ---------- ids
        report_id as vendor_meeting_id,
        registration_id,
        nullif(event_id, '') as event_id,
        nullif(user_id, '') as user_id,

        ---------- text
        'teams' as vendor,
        nullif(trim(email), '') as email,
        nullif(first_name, '') as first_name,
        nullif(last_name, '') as last_name,
        status,
        nullif(preferred_timezone, '') as preferred_timezone,
        nullif(preferred_language, '') as preferred_language,
        nullif(registration_question_answers, '') as registration_question_answers,
        nullif(external_registration_referrer, '') as external_registration_referrer,
        nullif(external_registration_id, '') as external_registration_id,

        ---------- booleans
        coalesce(status, '') not in ('canceled', 'rejectedByOrganizer') as is_active,

        ---------- dates and timestamps
        registration_date_time as registered_at,
        cancelation_date_time as canceled_at,
        ended_date
    from source

)

select * from renamed
