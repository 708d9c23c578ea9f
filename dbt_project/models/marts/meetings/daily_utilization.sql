{{ config(materialized=by_changes(), incremental_strategy='replace_ended_dates', on_schema_change='fail') }}

with meetings as (

    select * from {{ ref('meetings') }}
    where {{ is_changed('ended_date', 'int_changed_dates') }}

),

attendees as (

    select * from {{ ref('attendees') }}
    where {{ is_changed('ended_date', 'int_changed_dates') }}

),

peaks as (

    select * from {{ ref('int_daily_peaks') }}
    where {{ is_changed('ended_date', 'int_changed_dates') }}

),

meeting_totals as (

    select
        ended_date,
        vendor,
        count(*) as meetings,
        count(distinct host_email) as hosts,
        cast(sum(attendee_count) as bigint) as attendees,
        cast(sum(attended_seconds) as bigint) as attended_seconds,
        cast(sum(device_seconds) as bigint) as device_seconds,
        cast(sum(active_seconds) as bigint) as active_seconds,
        count(*) filter (where attendee_count = 1) as single_attendee_meetings
    from meetings
    group by ended_date, vendor

),

people_totals as (

    select
        meetings.ended_date,
        meetings.vendor,
        count(distinct attendees.person_key) as people
    from attendees
    inner join meetings
        on attendees.meeting_key = meetings.meeting_key
    group by meetings.ended_date, meetings.vendor

),

utilization as (

    select
        meeting_totals.ended_date,
        meeting_totals.vendor,
        meeting_totals.meetings,
        meeting_totals.hosts,
        meeting_totals.attendees,
        coalesce(people_totals.people, 0) as people,
        meeting_totals.attended_seconds,
        meeting_totals.device_seconds,
        meeting_totals.active_seconds,
        peaks.peak_concurrent_meetings,
        peaks.peak_concurrent_attendees,
        meeting_totals.single_attendee_meetings
    from meeting_totals
    inner join peaks
        on
            meeting_totals.ended_date = peaks.ended_date
            and meeting_totals.vendor = peaks.vendor
    left join people_totals
        on
            meeting_totals.ended_date = people_totals.ended_date
            and meeting_totals.vendor = people_totals.vendor

)

select * from utilization
