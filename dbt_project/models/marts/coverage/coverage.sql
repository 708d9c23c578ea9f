with meetings as (

    select * from {{ ref('int_meetings_unioned') }}

),

readings as (

    select * from {{ ref('int_readings_merged') }}

),

disagreements as (

    select * from {{ ref('int_disagreements_unioned') }}

),

vendors as (

    select * from {{ ref('stg_pipeline__vendors') }}

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
        case
            when readings.meeting_key is null
                then {{ plus_seconds('meetings.ended_at', 'vendors.first_read_seconds') }}
            else readings.due_at
        end as due_at,
        case
            when readings.meeting_key is null
                then {{ plus_seconds('meetings.ended_at', 'vendors.recoverable_seconds') }}
            else readings.recoverable_until
        end as recoverable_until
    from meetings
    full outer join readings
        on meetings.meeting_key = readings.meeting_key
    left join disagreements
        on readings.meeting_key = disagreements.meeting_key
    left join vendors
        on meetings.vendor = vendors.vendor

),

judged as (

    select
        *,
        status in ('partial', 'not_ready') or (status in ('denied', 'blocked') and not settled) as is_missing
    from covered

)

select * from judged
