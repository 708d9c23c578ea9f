with daily_attendees as (

    select * from {{ ref('int_daily_attendees') }}

),

daily_presence as (

    select * from {{ ref('int_daily_presence') }}

),

meetings as (

    select * from {{ ref('int_meetings_unioned') }}

),

host_people as (

    select * from {{ ref('int_host_people') }}

),

merged_people as (

    select
        md5(token) as own_person_key,
        md5(person_token) as person_key
    from {{ ref('int_people_merged') }}

),

attended as (

    select
        own_person_key,
        vendor,
        ended_date as activity_date,
        attendees as meetings_attended,
        0 as attended_seconds
    from daily_attendees

    union all

    select
        own_person_key,
        vendor,
        activity_date,
        0 as meetings_attended,
        attended_seconds
    from daily_presence

),

unioned as (

    select
        coalesce(merged_people.person_key, attended.own_person_key) as person_key,
        attended.vendor,
        attended.activity_date,
        attended.meetings_attended,
        0 as meetings_hosted,
        attended.attended_seconds
    from attended
    left join merged_people
        on attended.own_person_key = merged_people.own_person_key

    union all

    select
        host_people.host_person_key as person_key,
        meetings.vendor,
        meetings.ended_date as activity_date,
        0 as meetings_attended,
        1 as meetings_hosted,
        0 as attended_seconds
    from meetings
    inner join host_people
        on meetings.host_email = host_people.host_email

),

totals as (

    select
        person_key,
        vendor,
        activity_date,
        cast(sum(meetings_attended) as bigint) as meetings_attended,
        cast(sum(meetings_hosted) as bigint) as meetings_hosted,
        cast(sum(attended_seconds) as bigint) as attended_seconds
    from unioned
    group by person_key, vendor, activity_date

),

-- a stay of less than a second leaves nothing on the far side of midnight
person_days as (

    select * from totals
    where meetings_attended > 0 or meetings_hosted > 0 or attended_seconds > 0

)

select * from person_days
