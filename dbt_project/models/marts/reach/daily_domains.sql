with daily_attendees as (

    select * from {{ ref('int_daily_attendees') }}

),

domain_meetings as (

    select * from {{ ref('int_domain_meetings') }}

),

own_domains as (

    select * from {{ ref('int_own_domains') }}

),

merged_people as (

    select
        md5(token) as own_person_key,
        md5(person_token) as person_key
    from {{ ref('int_people_merged') }}

),

totals as (

    select
        daily_attendees.ended_date,
        daily_attendees.vendor,
        daily_attendees.email_domain,
        cast(sum(daily_attendees.attendees) as bigint) as attendees,
        count(distinct coalesce(merged_people.person_key, daily_attendees.own_person_key)) as people,
        cast(sum(daily_attendees.attended_seconds) as bigint) as attended_seconds,
        cast(sum(daily_attendees.external_attendees) as bigint) as external_attendees,
        cast(sum(daily_attendees.internal_attendees) as bigint) as internal_attendees,
        cast(sum(daily_attendees.unknown_attendees) as bigint) as unknown_attendees
    from daily_attendees
    left join merged_people
        on daily_attendees.own_person_key = merged_people.own_person_key
    group by daily_attendees.ended_date, daily_attendees.vendor, daily_attendees.email_domain

),

domains as (

    select
        totals.ended_date,
        totals.vendor,
        totals.email_domain,
        case when totals.email_domain is not null then own_domains.email_domain is not null end as is_own,
        totals.attendees,
        totals.people,
        domain_meetings.meetings,
        totals.attended_seconds,
        totals.external_attendees,
        totals.internal_attendees,
        totals.unknown_attendees
    from totals
    inner join domain_meetings
        on
            totals.ended_date = domain_meetings.ended_date
            and totals.vendor = domain_meetings.vendor
            and totals.email_domain is not distinct from domain_meetings.email_domain
    left join own_domains
        on totals.email_domain = own_domains.email_domain

)

select * from domains
