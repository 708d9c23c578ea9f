{{ config(materialized=by_changes(), incremental_strategy='replace_ended_dates') }}

with meetings as (

    select
        *,
        cast(floor(duration_seconds / 60) as bigint) as last_minute
    from {{ ref('meetings') }}
    where {{ is_changed('ended_date', 'int_changed_dates') }}

),

presence as (

    select * from {{ ref('int_presence_merged') }}

),

-- the first minute at which they were there, and the first after it at which they weren't
present as (

    select
        meetings.ended_date,
        meetings.vendor,
        cast(
            ceil(greatest(0, {{ seconds_between('meetings.started_at', 'presence.present_from') }}) / 60) as bigint
        ) as first_minute,
        least(
            cast(ceil({{ seconds_between('meetings.started_at', 'presence.present_until') }} / 60) as bigint),
            meetings.last_minute + 1
        ) as end_minute
    from presence
    inner join meetings
        on presence.meeting_key = meetings.meeting_key

),

changes as (

    select
        ended_date,
        vendor,
        0 as minute,
        1 as meetings,
        attendee_count as attendees,
        0 as present_attendees
    from meetings

    union all

    select
        ended_date,
        vendor,
        last_minute + 1 as minute,
        -1 as meetings,
        -attendee_count as attendees,
        0 as present_attendees
    from meetings

    union all

    select
        ended_date,
        vendor,
        first_minute as minute,
        0 as meetings,
        0 as attendees,
        1 as present_attendees
    from present
    where first_minute < end_minute

    union all

    select
        ended_date,
        vendor,
        end_minute as minute,
        0 as meetings,
        0 as attendees,
        -1 as present_attendees
    from present
    where first_minute < end_minute

),

totals as (

    select
        ended_date,
        vendor,
        minute,
        cast(sum(meetings) as bigint) as meetings,
        cast(sum(attendees) as bigint) as attendees,
        cast(sum(present_attendees) as bigint) as present_attendees
    from changes
    group by ended_date, vendor, minute

)

select * from totals
