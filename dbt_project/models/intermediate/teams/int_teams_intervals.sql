with of_records as (

    select * from {{ ref('int_teams_record_intervals') }}

),

of_live_events as (

    select * from {{ ref('int_teams_event_intervals') }}

),

named as (

    select
        vendor_meeting_id,
        -- by what a reading of the registrations doesn't change
        coalesce(account_id, registration_id, lower(email), lower(trim(display_name)), '') as person,
        account_id,
        registration_id as registrant_id,
        record_key as participant_id,
        email,
        display_name,
        role,
        is_own_account,
        cast(null as string) as client,
        joined_at,
        left_at
    from of_records

    union all

    select
        vendor_meeting_id,
        session_id as person,
        account_id,
        cast(null as string) as registrant_id,
        session_id as participant_id,
        email,
        display_name,
        role,
        cast(null as boolean) as is_own_account,
        client,
        joined_at,
        left_at
    from of_live_events

),

keyed as (

    select
        *,
        person || '|' || cast(joined_at as string) as natural_key
    from named

),

-- rows that tie are alike in all that is shown, so it doesn't matter which of them comes first
numbered as (

    select
        *,
        row_number() over (
            partition by vendor_meeting_id, natural_key
            order by
                left_at,
                coalesce(display_name, ''),
                coalesce(email, ''),
                coalesce(account_id, ''),
                coalesce(registrant_id, ''),
                coalesce(role, ''),
                coalesce(participant_id, ''),
                coalesce(cast(is_own_account as string), ''),
                coalesce(client, '')
        ) as occurrence
    from keyed

),

intervals as (

    select
        'teams' as vendor,
        vendor_meeting_id,
        natural_key || '|' || cast(occurrence as string) as vendor_interval_id,
        account_id,
        registrant_id,
        participant_id,
        email,
        display_name,
        'main' as room,
        role,
        is_own_account,
        cast(null as string) as device,
        client,
        cast(null as string) as audio,
        joined_at,
        left_at
    from numbered

)

select * from intervals
