with logical_meetings as (

    select * from {{ ref('logical_meetings') }}
    where series_id is not null

),

meetings as (

    select * from {{ ref('meetings') }}
    where series_id is not null

),

attendees as (

    select * from {{ ref('attendees') }}

),

occurrences as (

    select
        *,
        row_number() over (
            partition by vendor, series_id
            order by started_at desc
        ) as occurrences_until_now
    from logical_meetings

),

summed as (

    select
        vendor,
        series_id,
        count(*) as occurrences,
        count(distinct cast(started_at as date)) > 1 as is_recurring,
        min(ended_date) as first_ended_date,
        max(ended_date) as last_ended_date,
        cast(sum(attended_seconds) as bigint) as attended_seconds,
        cast(sum(attendees) as double) / count(*) as average_attendees,
        max(host_email) filter (where occurrences_until_now = 1) as host_email
    from occurrences
    group by vendor, series_id

),

people as (

    select
        meetings.vendor,
        meetings.series_id,
        count(distinct attendees.person_key) as people
    from meetings
    inner join attendees
        on meetings.meeting_key = attendees.meeting_key
    group by meetings.vendor, meetings.series_id

),

series as (

    select
        summed.vendor,
        summed.series_id,
        summed.occurrences,
        summed.is_recurring,
        summed.first_ended_date,
        summed.last_ended_date,
        coalesce(people.people, 0) as attendees,
        summed.attended_seconds,
        summed.average_attendees,
        summed.host_email
    from summed
    left join people
        on
            summed.vendor = people.vendor
            and summed.series_id = people.series_id

)

select * from series
