with meetings as (

    select * from {{ ref('stg_teams__meetings') }}

),

records as (

    select * from {{ ref('stg_teams__attendance_records') }}

),

-- an occurrence's own booking: the report carries that of its series
booked as (

    select
        report_id as vendor_meeting_id,
        min(started_at) as scheduled_start_at,
        min(ended_at) as scheduled_end_at
    from {{ ref('stg_teams__routes') }}
    where
        route = 'calendar'
        and report_id is not null
    group by report_id

),

-- a co-organizer's record says host too
hosts as (

    select
        records.vendor_meeting_id,
        records.email,
        records.display_name,
        row_number() over (
            partition by records.vendor_meeting_id
            order by
                case when records.account_id = meetings.organizer_id then 1 else 2 end,
                records.email nulls last,
                records.display_name nulls last
        ) as preference
    from records
    inner join meetings
        on records.vendor_meeting_id = meetings.vendor_meeting_id
    where records.role = 'host'

),

hosted as (

    select
        meetings.vendor,
        meetings.vendor_meeting_id,
        meetings.series_id,
        meetings.title,
        meetings.kind,
        coalesce(meetings.host_email, hosts.email) as host_email,
        coalesce(meetings.host_name, hosts.display_name) as host_name,
        meetings.found_by,
        meetings.vendor_attendee_count,
        meetings.started_at,
        meetings.ended_at,
        case
            when booked.vendor_meeting_id is not null then booked.scheduled_start_at
            when meetings.is_booked_once then meetings.scheduled_start_at
        end as scheduled_start_at,
        case
            when booked.vendor_meeting_id is not null then booked.scheduled_end_at
            when meetings.is_booked_once then meetings.scheduled_end_at
        end as scheduled_end_at,
        meetings.ended_date
    from meetings
    left join booked
        on meetings.vendor_meeting_id = booked.vendor_meeting_id
    left join hosts
        on
            meetings.vendor_meeting_id = hosts.vendor_meeting_id
            and hosts.preference = 1

)

select * from hosted
