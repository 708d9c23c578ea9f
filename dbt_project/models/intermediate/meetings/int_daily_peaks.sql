{{ config(materialized=by_changes(), incremental_strategy='replace_ended_dates') }}

with meetings as (

    select * from {{ ref('int_meetings_unioned') }}
    where {{ is_changed('ended_date', 'int_changed_dates') }}

),

presence_changes as (

    select * from {{ ref('int_presence_changes') }}

),

-- range frames take all changes of one instant together: who leaves then never meets who joins then
attendees_present as (

    select
        meetings.ended_date,
        meetings.vendor,
        sum(presence_changes.change) over (
            partition by meetings.ended_date, meetings.vendor
            order by presence_changes.changed_at
            range between unbounded preceding and current row
        ) as attendees
    from presence_changes
    inner join meetings
        on presence_changes.meeting_key = meetings.meeting_key

),

attendee_peaks as (

    select
        ended_date,
        vendor,
        max(attendees) as peak_concurrent_attendees
    from attendees_present
    group by ended_date, vendor

),

meeting_changes as (

    select
        ended_date,
        vendor,
        started_at as changed_at,
        1 as change
    from meetings

    union all

    select
        ended_date,
        vendor,
        ended_at as changed_at,
        -1 as change
    from meetings

),

meetings_running as (

    select
        ended_date,
        vendor,
        sum(change) over (
            partition by ended_date, vendor
            order by changed_at
            range between unbounded preceding and current row
        ) as meetings
    from meeting_changes

),

meeting_peaks as (

    select
        ended_date,
        vendor,
        max(meetings) as peak_concurrent_meetings
    from meetings_running
    group by ended_date, vendor

),

peaks as (

    select
        meeting_peaks.ended_date,
        meeting_peaks.vendor,
        cast(meeting_peaks.peak_concurrent_meetings as bigint) as peak_concurrent_meetings,
        cast(coalesce(attendee_peaks.peak_concurrent_attendees, 0) as bigint) as peak_concurrent_attendees
    from meeting_peaks
    left join attendee_peaks
        on
            meeting_peaks.ended_date = attendee_peaks.ended_date
            and meeting_peaks.vendor = attendee_peaks.vendor

)

select * from peaks
