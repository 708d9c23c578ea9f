with meetings as (

    select * from {{ ref('int_meetings_unioned') }}

),

readings as (

    select * from {{ ref('int_readings_merged') }}

),

disagreements as (

    select * from {{ ref('int_disagreements_unioned') }}

),

covered as (

    select
        coalesce(meetings.meeting_key, readings.meeting_key) as meeting_key,
        coalesce(meetings.vendor, readings.vendor) as vendor,
        coalesce(meetings.vendor_meeting_id, readings.vendor_meeting_id) as vendor_meeting_id,
        coalesce(meetings.ended_date, readings.ended_date) as ended_date,
        coalesce(readings.status, 'not_ready') as status,
        case
            when readings.meeting_key is null then 'never read'
            else nullif(concat_ws('; ', readings.reason, disagreements.remark), '')
        end as reason,
        coalesce(meetings.found_by, readings.found_by) as found_by,
        readings.vendor_count,
        coalesce(readings.held_count, 0) as held_count,
        readings.read_at,
        coalesce(readings.settled, false) as settled,
        readings.recoverable_until
    from meetings
    full outer join readings
        on meetings.meeting_key = readings.meeting_key
    left join disagreements
        on readings.meeting_key = disagreements.meeting_key

)

select * from covered
