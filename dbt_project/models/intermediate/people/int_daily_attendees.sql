{{ config(materialized=by_changes(), incremental_strategy='replace_ended_dates') }}

with attendees as (

    select * from {{ ref('attendees') }}
    where {{ is_changed('ended_date', 'int_changed_dates') }}

),

identified as (

    select * from {{ ref('int_attendees_identified') }}

),

keyed as (

    select
        attendees.ended_date,
        attendees.vendor,
        coalesce(md5(identified.person_token), attendees.attendee_key) as own_person_key,
        nullif(split_part(attendees.email, '@', 2), '') as email_domain,
        attendees.attended_seconds,
        attendees.is_external
    from attendees
    inner join identified
        on attendees.attendee_key = identified.attendee_key

),

totals as (

    select
        ended_date,
        vendor,
        own_person_key,
        email_domain,
        count(*) as attendees,
        cast(sum(attended_seconds) as bigint) as attended_seconds,
        count(*) filter (where is_external) as external_attendees,
        count(*) filter (where not is_external) as internal_attendees,
        count(*) filter (where is_external is null) as unknown_attendees
    from keyed
    group by ended_date, vendor, own_person_key, email_domain

)

select * from totals
