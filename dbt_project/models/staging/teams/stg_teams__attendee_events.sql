with source as (

    select * from {{ source('teams', 'attendee_events') }}

),

renamed as (

    select
        ---------- ids
        report_id as vendor_meeting_id,
        session_id,
        case when participant_id not like '%@%' then nullif(trim(participant_id), '') end as account_id,

        ---------- text
        'teams' as vendor,
        case when participant_id like '%@%' then participant_id end as email,
        nullif(full_name, '') as display_name,
        case role
            when 'Organizer' then 'host'
            when 'Presenter' then 'presenter'
            when 'Producer' then 'presenter'
            when 'Attendee' then 'attendee'
        end as role,
        nullif(user_agent, '') as user_agent,
        action,

        ---------- dates and timestamps
        utc_event_timestamp as happened_at,
        ended_date
    from source

)

select * from renamed
