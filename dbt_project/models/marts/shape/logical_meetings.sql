with meetings as (

    select * from {{ ref('meetings') }}

),

parts as (

    select * from {{ ref('int_logical_parts') }}

),

attendees as (

    select * from {{ ref('attendees') }}

),

meeting_people as (

    select * from {{ ref('int_meeting_people') }}

),

summed as (

    select
        parts.logical_meeting_key,
        count(*) as parts,
        min(meetings.started_at) as started_at,
        max(meetings.ended_at) as ended_at,
        max(meetings.ended_date) as ended_date,
        cast(sum(meetings.duration_seconds) as bigint) as duration_seconds,
        cast(sum(meetings.attended_seconds) as bigint) as attended_seconds
    from parts
    inner join meetings
        on parts.meeting_key = meetings.meeting_key
    group by parts.logical_meeting_key

),

-- few meetings have a twin, so few attendees have to be looked at again
people_of_several_parts as (

    select
        parts.logical_meeting_key,
        count(distinct attendees.person_key) as people
    from parts
    inner join summed
        on
            parts.logical_meeting_key = summed.logical_meeting_key
            and summed.parts > 1
    inner join attendees
        on parts.meeting_key = attendees.meeting_key
    group by parts.logical_meeting_key

),

logical_meetings as (

    select
        summed.logical_meeting_key,
        first_parts.vendor,
        first_parts.series_id,
        first_parts.kind,
        first_parts.host_email,
        summed.parts,
        summed.started_at,
        summed.ended_at,
        summed.ended_date,
        summed.duration_seconds,
        case
            when summed.parts > 1 then coalesce(of_several.people, 0)
            else coalesce(of_one.people, 0)
        end as attendees,
        summed.attended_seconds
    from summed
    inner join meetings as first_parts
        on summed.logical_meeting_key = first_parts.meeting_key
    left join meeting_people as of_one
        on summed.logical_meeting_key = of_one.meeting_key
    left join people_of_several_parts as of_several
        on summed.logical_meeting_key = of_several.logical_meeting_key

)

select * from logical_meetings
