{{ config(materialized='view') }}

with readings as (

    select * from {{ ref('stg_teams__readings') }}
    -- registrations that are gone: of town halls the call isn't documented, and events may have none
    where report <> 'recordings' and not (report = 'registrations' and status = 'gone')

),

routes as (

    select * from {{ ref('stg_teams__routes') }}

),

found as (

    select
        vendor_meeting_id,
        {{ distinct_values_as_text('route') }} as found_by
    from routes
    group by vendor_meeting_id

),

judged as (

    select
        *,
        -- a refusal that the call record itself tells: no grant makes a report of an ad-hoc call
        status in ('denied', 'blocked') and attempts = 0 as is_refused_for_good
    from readings

),

explained as (

    select
        judged.vendor_meeting_id,
        judged.vendor,
        judged.report,
        judged.status,
        judged.reason,
        found.found_by,
        judged.vendor_count,
        judged.held_count,
        judged.report <> 'registrations' as is_attendance,
        judged.settled or judged.is_refused_for_good as settled,
        judged.read_at,
        case when not judged.is_refused_for_good then judged.due_at end as due_at,
        judged.recoverable_until,
        judged.ended_date
    from judged
    left join found
        on judged.vendor_meeting_id = found.vendor_meeting_id

)

select * from explained
