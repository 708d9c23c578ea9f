{{ config(materialized=by_changes(), incremental_strategy='replace_meetings') }}

{% set properties = ['device', 'client', 'audio'] %}

with intervals as (

    select * from {{ ref('attendance_intervals') }}
    where
        room <> 'waiting'
        and {{ is_changed('meeting_key', 'int_changed_meetings') }}

),

meetings as (

    select * from {{ ref('int_meetings_unioned') }}

),

told as (

    {% for property in properties %}
    select
        meeting_key,
        '{{ property }}' as property,
        {{ property }} as value,
        count(*) as joins,
        count(distinct attendee_key) as attendees,
        cast(sum(duration_seconds) as bigint) as device_seconds
    from intervals
    group by meeting_key, {{ property }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

dated as (

    select
        meetings.ended_date,
        meetings.vendor,
        told.meeting_key,
        told.property,
        told.value,
        told.joins,
        told.attendees,
        told.device_seconds
    from told
    inner join meetings
        on told.meeting_key = meetings.meeting_key

)

select * from dated
