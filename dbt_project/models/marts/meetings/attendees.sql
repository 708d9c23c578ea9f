{{ config(materialized=by_changes(), incremental_strategy='replace_identified', on_schema_change='fail') }}

-- depends_on: {{ ref('int_people_before') }}

with intervals as (

    select * from {{ ref('attendance_intervals') }}
    where {{ is_changed('meeting_key', 'int_meetings_to_identify') }}

),

presence as (

    select * from {{ ref('int_presence_merged') }}
    where {{ is_changed('meeting_key', 'int_meetings_to_identify') }}

),

identified as (

    select * from {{ ref('int_attendees_identified') }}
    where {{ is_changed('meeting_key', 'int_meetings_to_identify') }}

),

preferred_names as (

    select * from {{ ref('int_attendee_names') }}

),

merged_people as (

    select * from {{ ref('int_people_merged') }}

),

meetings as (

    select * from {{ ref('int_meetings_unioned') }}

),

joined as (

    select
        attendee_key,
        meeting_key,
        -- a name may be known from the waiting room alone
        min(display_name) as only_name,
        min(joined_at) filter (where room <> 'waiting') as first_joined_at,
        max(left_at) filter (where room <> 'waiting') as last_left_at,
        count(*) filter (where room <> 'waiting') as join_count,
        cast(sum(duration_seconds) filter (where room <> 'waiting') as bigint) as device_seconds
    from intervals
    group by attendee_key, meeting_key
    having count(*) filter (where room <> 'waiting') > 0

),

stayed as (

    select
        attendee_key,
        cast(sum({{ seconds_between('present_from', 'present_until') }}) as bigint) as attended_seconds
    from presence
    group by attendee_key

),

measured as (

    select
        joined.attendee_key,
        joined.meeting_key,
        coalesce(
            md5(coalesce(merged_people.person_token, identified.person_token)), joined.attendee_key
        ) as person_key,
        meetings.vendor,
        meetings.ended_date,
        coalesce(preferred_names.display_name, joined.only_name) as display_name,
        identified.email,
        identified.role,
        joined.first_joined_at,
        joined.last_left_at,
        joined.join_count,
        coalesce(stayed.attended_seconds, 0) as attended_seconds,
        joined.device_seconds,
        case
            when meetings.duration_seconds > 0
                then least(
                    cast(1 as double),
                    cast(coalesce(stayed.attended_seconds, 0) as double) / meetings.duration_seconds
                )
        end as attendance_ratio,
        case
            when meetings.scheduled_start_at < meetings.scheduled_end_at
                then cast(coalesce(stayed.attended_seconds, 0) as double)
                    / {{ seconds_between('meetings.scheduled_start_at', 'meetings.scheduled_end_at') }}
        end as scheduled_attendance_ratio,
        case
            when max(case when identified.role = 'host' then stayed.attended_seconds end) over of_meeting > 0
                then cast(coalesce(stayed.attended_seconds, 0) as double)
                    / max(case when identified.role = 'host' then stayed.attended_seconds end) over of_meeting
        end as host_attendance_ratio,
        greatest(0, {{ seconds_between('meetings.started_at', 'joined.first_joined_at') }}) as late_seconds,
        greatest(0, {{ seconds_between('joined.last_left_at', 'meetings.ended_at') }}) as left_early_seconds,
        identified.is_external
    from joined
    inner join meetings
        on joined.meeting_key = meetings.meeting_key
    inner join identified
        on joined.attendee_key = identified.attendee_key
    left join stayed
        on joined.attendee_key = stayed.attendee_key
    left join preferred_names
        on joined.attendee_key = preferred_names.attendee_key
    left join merged_people
        on identified.person_token = merged_people.token
    window of_meeting as (partition by joined.meeting_key)

)

select * from measured
