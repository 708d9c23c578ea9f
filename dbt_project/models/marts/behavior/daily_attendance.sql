{{ config(materialized=by_changes(), incremental_strategy='replace_ended_dates', on_schema_change='fail') }}

with attendees as (

    select
        *,
        person_key <> attendee_key as is_identified,
        late_seconds > {{ var('grace_seconds') }} as is_late,
        left_early_seconds > {{ var('grace_seconds') }} as has_left_early
    from {{ ref('attendees') }}
    where {{ is_changed('ended_date', 'int_changed_dates') }}

),

{%- set groups = {
    'identified': 'is_identified',
    'internal': 'not is_external',
    'external': 'is_external',
    'unknown': 'is_external is null',
} %}

totals as (

    select
        ended_date,
        vendor,
        count(*) as attendees,
        {% for group, condition in groups.items() %}
        count(*) filter (where {{ condition }}) as {{ group }}_attendees,
        {% endfor %}
        cast(sum(attended_seconds) as bigint) as attended_seconds,
        {% for group, condition in groups.items() %}
        cast(
            coalesce(sum(attended_seconds) filter (where {{ condition }}), 0) as bigint
        ) as {{ group }}_attended_seconds,
        {% endfor %}
        count(*) filter (where is_late) as late_attendees,
        count(*) filter (where has_left_early) as left_early_attendees,
        count(*) filter (where not is_late and not has_left_early) as on_time_full_attendees,
        cast(sum(late_seconds) as bigint) as late_seconds,
        cast(sum(left_early_seconds) as bigint) as left_early_seconds,
        count(attendance_ratio) as ratio_attendees,
        -- rounded: the order of adding changes the last digits
        round(coalesce(sum(attendance_ratio), cast(0 as double)), 9) as attendance_ratio_sum,
        count(scheduled_attendance_ratio) as scheduled_ratio_attendees,
        round(coalesce(sum(scheduled_attendance_ratio), cast(0 as double)), 9) as scheduled_ratio_sum,
        count(host_attendance_ratio) as host_ratio_attendees,
        round(coalesce(sum(host_attendance_ratio), cast(0 as double)), 9) as host_ratio_sum
    from attendees
    group by ended_date, vendor

)

select * from totals
