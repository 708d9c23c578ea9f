{{ config(materialized='view') }}

with webex_meetings as (

    select * from {{ ref('stg_webex__meetings') }}

),

teams_readings as (

    select * from {{ ref('stg_teams__readings') }}
    where
        report = 'registrations'
        and status = 'complete'

),

teams_registrations as (

    select * from {{ ref('stg_teams__registrations') }}
    where is_active

),

teams_counted as (

    select
        teams_readings.vendor,
        teams_readings.vendor_meeting_id,
        count(teams_registrations.registration_id) as registrations
    from teams_readings
    left join teams_registrations
        on teams_readings.vendor_meeting_id = teams_registrations.vendor_meeting_id
    group by teams_readings.vendor, teams_readings.vendor_meeting_id

),

unioned as (

    select
        vendor,
        vendor_meeting_id,
        vendor_registered_count as registrations
    from webex_meetings

    union all

    select
        vendor,
        vendor_meeting_id,
        registrations
    from teams_counted

),

counted as (

    select
        md5(vendor || '|' || vendor_meeting_id) as meeting_key,
        registrations
    from unioned
    where registrations is not null

)

select * from counted
