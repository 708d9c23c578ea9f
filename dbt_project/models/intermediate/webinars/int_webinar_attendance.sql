{{ config(materialized=by_changes(), incremental_strategy='replace_meetings') }}

with webinars as (

    select * from {{ ref('int_meetings_unioned') }}
    where
        kind in ('webinar', 'town_hall', 'live_event')
        and {{ is_changed('meeting_key', 'int_changed_meetings') }}

),

attendees as (

    select * from {{ ref('attendees') }}
    where {{ is_changed('meeting_key', 'int_changed_meetings') }}

),

identities as (

    select * from {{ ref('int_identities') }}
    where {{ is_changed('meeting_key', 'int_changed_meetings') }}

),

merged as (

    select * from {{ ref('int_identities_merged') }}

),

webex_attendees as (

    select * from {{ ref('stg_webex__attendees') }}
    where {{ is_at_work() }}

),

teams_registrations as (

    select * from {{ ref('stg_teams__registrations') }}
    where {{ is_at_work() }}

),

carried as (

    select
        webinars.meeting_key,
        webinars.vendor,
        webinars.vendor_meeting_id,
        md5(coalesce(merged.attendee_token, identities.identity_token)) as attendee_key,
        identities.registrant_id,
        coalesce(identities.email, identities.folded_name) as known_as
    from webinars
    inner join identities
        on webinars.meeting_key = identities.meeting_key
    left join merged
        on identities.identity_token = merged.identity_token

),

webex_registrants as (

    select
        vendor_meeting_id,
        known_as
    from webex_attendees
    where
        is_registered
        and known_as is not null
    group by vendor_meeting_id, known_as

),

webex_telling as (

    select vendor_meeting_id
    from webex_attendees
    where is_registered is not null
    group by vendor_meeting_id

),

registrants as (

    select attendee_key
    from carried
    where
        vendor = 'zoom'
        and registrant_id is not null

    union

    select carried.attendee_key
    from carried
    inner join webex_registrants
        on
            carried.vendor_meeting_id = webex_registrants.vendor_meeting_id
            and carried.known_as = webex_registrants.known_as
    where carried.vendor = 'webex'

    union

    -- a record may name a registration that isn't held
    select carried.attendee_key
    from carried
    left join teams_registrations
        on
            carried.vendor_meeting_id = teams_registrations.vendor_meeting_id
            and carried.registrant_id = teams_registrations.registration_id
    where
        carried.vendor = 'teams'
        and carried.registrant_id is not null
        and coalesce(teams_registrations.is_active, true)

),

counted as (

    select
        attendees.meeting_key,
        count(*) as attendees,
        count(*) filter (
            where attendees.attendance_ratio >= cast({{ var('stayed_ratio') }} as double)
        ) as stayed_attendees,
        count(registrants.attendee_key) as registrants_attended,
        count(registrants.attendee_key) filter (
            where attendees.attendance_ratio >= cast({{ var('stayed_ratio') }} as double)
        ) as registrants_stayed
    from attendees
    inner join webinars
        on attendees.meeting_key = webinars.meeting_key
    left join registrants
        on attendees.attendee_key = registrants.attendee_key
    group by attendees.meeting_key

),

attendance as (

    select
        webinars.ended_date,
        webinars.meeting_key,
        coalesce(counted.attendees, 0) as attendees,
        coalesce(counted.stayed_attendees, 0) as stayed_attendees,
        coalesce(counted.registrants_attended, 0) as registrants_attended,
        coalesce(counted.registrants_stayed, 0) as registrants_stayed,
        case
            -- Graph's report of a live event names no registration
            when webinars.kind = 'live_event' then false
            when counted.meeting_key is null then null
            when webinars.vendor = 'webex' then webex_telling.vendor_meeting_id is not null
            else true
        end as tells_registrants
    from webinars
    left join counted
        on webinars.meeting_key = counted.meeting_key
    left join webex_telling
        on
            webinars.vendor = 'webex'
            and webinars.vendor_meeting_id = webex_telling.vendor_meeting_id

)

select * from attendance
