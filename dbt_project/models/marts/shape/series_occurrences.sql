with logical_meetings as (

    select * from {{ ref('logical_meetings') }}

),

series as (

    select * from {{ ref('series') }}
    where is_recurring

),

parts as (

    select * from {{ ref('int_logical_parts') }}

),

attendees as (

    select * from {{ ref('attendees') }}

),

numbered as (

    select
        logical_meetings.logical_meeting_key,
        logical_meetings.vendor,
        logical_meetings.series_id,
        logical_meetings.ended_date,
        logical_meetings.attendees,
        cast(row_number() over by_start as bigint) as occurrence_number,
        lag(logical_meetings.logical_meeting_key) over by_start as previous_key,
        lag(logical_meetings.attendees) over by_start as previous_attendees
    from logical_meetings
    inner join series
        on
            logical_meetings.vendor = series.vendor
            and logical_meetings.series_id = series.series_id
    window by_start as (
        partition by logical_meetings.vendor, logical_meetings.series_id
        order by logical_meetings.started_at
    )

),

people as (

    select distinct
        numbered.logical_meeting_key,
        attendees.person_key
    from numbered
    inner join parts
        on numbered.logical_meeting_key = parts.logical_meeting_key
    inner join attendees
        on parts.meeting_key = attendees.meeting_key

),

returning_people as (

    select
        numbered.logical_meeting_key,
        count(*) as returning_people
    from numbered
    inner join people as people_now
        on numbered.logical_meeting_key = people_now.logical_meeting_key
    inner join people as people_before
        on
            numbered.previous_key = people_before.logical_meeting_key
            and people_now.person_key = people_before.person_key
    group by numbered.logical_meeting_key

),

occurrences as (

    select
        numbered.logical_meeting_key,
        numbered.vendor,
        numbered.series_id,
        numbered.occurrence_number,
        numbered.ended_date,
        numbered.attendees,
        numbered.previous_attendees,
        case
            when numbered.previous_key is not null then coalesce(returning_people.returning_people, 0)
        end as returning_people,
        numbered.attendees - numbered.previous_attendees as change
    from numbered
    left join returning_people
        on numbered.logical_meeting_key = returning_people.logical_meeting_key

)

select * from occurrences
