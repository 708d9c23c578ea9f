with meetings as (

    select * from {{ ref('int_meetings_unioned') }}
    where host_email is not null

),

roster as (

    select * from {{ ref('stg_pipeline__roster') }}

),

host_people as (

    select * from {{ ref('int_host_people') }}

),

loaded as (

    select max(as_of) as as_of
    from {{ ref('stg_pipeline__vendors') }}

),

hosted as (

    select
        vendor,
        host_email,
        min(ended_date) as first_hosted_date,
        max(ended_date) as last_hosted_date,
        count(*) as meetings,
        cast(sum(duration_seconds) as bigint) as hosted_seconds
    from meetings
    group by vendor, host_email

),

vendors_with_roster as (

    select distinct vendor
    from roster

),

known as (

    select
        coalesce(hosted.vendor, roster.vendor) as vendor,
        coalesce(hosted.host_email, roster.host_email) as host_email,
        hosted.first_hosted_date,
        hosted.last_hosted_date,
        coalesce(hosted.meetings, 0) as meetings,
        coalesce(hosted.hosted_seconds, 0) as hosted_seconds,
        roster.host_email is not null as is_on_roster,
        {{ days_between('hosted.last_hosted_date', 'loaded.as_of') }} as days_since_hosted
    from hosted
    full outer join roster
        on
            hosted.vendor = roster.vendor
            and hosted.host_email = roster.host_email
    cross join loaded

),

hosts as (

    select
        known.vendor,
        known.host_email,
        host_people.host_person_key,
        known.first_hosted_date,
        known.last_hosted_date,
        known.meetings,
        known.hosted_seconds,
        case when vendors_with_roster.vendor is not null then known.is_on_roster end as is_on_roster,
        known.days_since_hosted,
        coalesce(known.days_since_hosted > 30, true) as is_idle_30_days,
        coalesce(known.days_since_hosted > 60, true) as is_idle_60_days,
        coalesce(known.days_since_hosted > 90, true) as is_idle_90_days
    from known
    inner join host_people
        on known.host_email = host_people.host_email
    left join vendors_with_roster
        on known.vendor = vendors_with_roster.vendor

)

select * from hosts
