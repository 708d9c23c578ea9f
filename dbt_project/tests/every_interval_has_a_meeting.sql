-- a meeting whose listing row was quarantined must be seen, yet not stop all others
{{ config(severity="warn", meta={"dagster": {"ref": {"name": "int_meetings_unioned"}}}) }}

-- a further vendor is one more line here
{% set vendors = [
    ref('stg_zoom__participants'),
    ref('stg_webex__attendees'),
    ref('stg_webex__participants'),
    ref('stg_teams__attendance_records'),
    ref('stg_teams__attendee_events'),
] %}

with attendance as (

    {% for vendor_attendance in vendors %}
    select
        vendor,
        vendor_meeting_id
    from {{ vendor_attendance }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

meetings as (

    select
        vendor,
        vendor_meeting_id
    from {{ ref('int_meetings_unioned') }}

),

without_meeting as (

    select
        attendance.vendor,
        attendance.vendor_meeting_id,
        count(*) as attendance_rows
    from attendance
    left join meetings
        on
            attendance.vendor_meeting_id = meetings.vendor_meeting_id
            and attendance.vendor = meetings.vendor
    where meetings.vendor_meeting_id is null
    group by attendance.vendor, attendance.vendor_meeting_id

)

select * from without_meeting
