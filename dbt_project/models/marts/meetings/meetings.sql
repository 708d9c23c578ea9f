{{ config(materialized=by_changes(), incremental_strategy='replace_meetings', on_schema_change='fail') }}

with meetings as (

    select * from {{ ref('int_meetings_unioned') }}
    where {{ is_changed('meeting_key', 'int_changed_meetings') }}

),

activity as (

    select * from {{ ref('int_meeting_activity') }}

),

attendees as (

    select * from {{ ref('attendees') }}
    where {{ is_changed('meeting_key', 'int_changed_meetings') }}

),

attendance as (

    select
        meeting_key,
        count(*) as attendee_count,
        cast(sum(join_count) as bigint) as join_count,
        cast(sum(attended_seconds) as bigint) as attended_seconds,
        cast(sum(device_seconds) as bigint) as device_seconds
    from attendees
    group by meeting_key

),

measured as (

    select
        meetings.meeting_key,
        meetings.vendor,
        meetings.vendor_meeting_id,
        meetings.series_id,
        meetings.title,
        meetings.kind,
        meetings.host_email,
        meetings.host_name,
        meetings.started_at,
        meetings.ended_at,
        meetings.scheduled_start_at,
        meetings.scheduled_end_at,
        meetings.ended_date,
        meetings.duration_seconds,
        coalesce(attendance.attendee_count, 0) as attendee_count,
        coalesce(attendance.join_count, 0) as join_count,
        coalesce(attendance.attended_seconds, 0) as attended_seconds,
        coalesce(attendance.device_seconds, 0) as device_seconds,
        coalesce(activity.active_seconds, 0) as active_seconds,
        coalesce(activity.peak_attendees, 0) as peak_attendees,
        meetings.vendor_attendee_count
    from meetings
    left join attendance
        on meetings.meeting_key = attendance.meeting_key
    left join activity
        on meetings.meeting_key = activity.meeting_key

)

select * from measured
