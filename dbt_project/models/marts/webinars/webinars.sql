with meetings as (

    select * from {{ ref('int_meetings_unioned') }}

),

readings as (

    select * from {{ ref('int_readings_merged') }}

),

counted as (

    select * from {{ ref('int_webinar_attendance') }}

),

judged as (

    select
        counted.*,
        -- where nobody came, a report that is held tells that no registrant did
        coalesce(counted.tells_registrants, readings.status in ('complete', 'partial'), false) as is_told
    from counted
    left join readings
        on counted.meeting_key = readings.meeting_key

),

attendance as (

    select
        meeting_key,
        attendees,
        stayed_attendees,
        case when is_told then registrants_attended end as registrants_attended,
        case when is_told then registrants_stayed end as registrants_stayed
    from judged

),

registrations as (

    select * from {{ ref('int_registrations_counted') }}

),

webinars as (

    select
        meetings.meeting_key,
        meetings.vendor,
        meetings.kind,
        meetings.ended_date,
        registrations.registrations,
        attendance.registrants_attended,
        attendance.attendees - attendance.registrants_attended as walk_ins,
        attendance.attendees,
        attendance.stayed_attendees,
        attendance.registrants_stayed,
        cast(attendance.registrants_attended as double)
        / nullif(registrations.registrations, 0) as attendance_rate,
        cast(attendance.stayed_attendees as double)
        / nullif(attendance.attendees, 0) as stayed_share_of_attendees,
        cast(attendance.registrants_stayed as double)
        / nullif(registrations.registrations, 0) as stayed_share_of_registrations
    from attendance
    inner join meetings
        on attendance.meeting_key = meetings.meeting_key
    left join registrations
        on attendance.meeting_key = registrations.meeting_key

)

select * from webinars
