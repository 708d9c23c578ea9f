-- a meeting whose listing row was quarantined must be seen, yet not stop all others
{{ config(severity="warn", meta={"dagster": {"ref": {"name": "stg_zoom__participants"}}}) }}

with participants as (

    select vendor_meeting_id from {{ ref('stg_zoom__participants') }}

),

meetings as (

    select vendor_meeting_id from {{ ref('stg_zoom__meetings') }}

),

without_meeting as (

    select
        participants.vendor_meeting_id,
        count(*) as intervals
    from participants
    left join meetings
        on participants.vendor_meeting_id = meetings.vendor_meeting_id
    where meetings.vendor_meeting_id is null
    group by participants.vendor_meeting_id

)

select * from without_meeting
