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

explained as (

    select
        readings.*,
        readings.report <> 'registrations' as is_attendance,
        found.found_by
    from readings
    left join found
        on readings.vendor_meeting_id = found.vendor_meeting_id

)

select * from explained
