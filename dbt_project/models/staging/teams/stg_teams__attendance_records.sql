with source as (

    select * from {{ source('teams', 'attendance_records') }}

),

-- recorded answers name a tenant and no type; what the types of guests, phones and applications call id is no account
identified as (

    select
        *,
        lower(identity_type) like '%useridentity' as is_called_user,
        coalesce(lower(identity_type), '') in ('', '#microsoft.graph.identity') as is_called_nothing,
        coalesce(nullif(identity_tenant_id, ''), nullif(azure_communication_services_resource_id, ''))
            is not null as is_of_tenant
    from source

),

renamed as (

    select
        ---------- ids
        report_id as vendor_meeting_id,
        md5(
            report_id
            || '|' || coalesce(cast(first_join_time as string), '')
            || '|' || coalesce(record_id, '')
            || '|' || coalesce(identity_id, '')
            || '|' || coalesce(email_address, '')
            || '|' || coalesce(identity_email, '')
            || '|' || coalesce(registration_id, '')
            || '|' || coalesce(identity_display_name, '')
        ) as record_key,
        case
            when is_called_user or (is_called_nothing and is_of_tenant)
                then coalesce(nullif(identity_id, ''), nullif(record_id, ''))
            -- as directory ids are written
            when is_called_nothing and identity_id like '________-____-____-____-____________' then identity_id
        end as account_id,
        nullif(identity_tenant_id, '') as tenant_id,
        nullif(registration_id, '') as registration_id,

        ---------- text
        'teams' as vendor,
        coalesce(nullif(trim(email_address), ''), nullif(trim(identity_email), '')) as email,
        nullif(identity_display_name, '') as display_name,
        case role
            when 'Organizer' then 'host'
            when 'Presenter' then 'presenter'
            when 'Attendee' then 'attendee'
        end as role,
        nullif(identity_type, '') as identity_type,
        nullif(identity_application_type, '') as application_type,
        nullif(external_registration_referrer, '') as external_registration_referrer,
        nullif(external_registration_id, '') as external_registration_id,

        ---------- numbers
        cast(total_attendance_in_seconds as bigint) as vendor_attended_seconds,

        ---------- lists
        attendance_intervals,
        engagements,

        ---------- dates and timestamps
        first_join_time as first_joined_at,
        ended_date
    from identified

)

select * from renamed
