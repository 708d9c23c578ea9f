-- How did webinars, town halls and live events do?
-- One row per month, vendor and kind.
-- Read attendance_rate: registrants who came, of registrations, over those webinars of which the vendor tells both;
-- null where it tells neither or nobody registered. registrations is null where none of them is told, 0 where nobody
-- registered. stayed_share is of everybody who came, registered or not.
-- Columns: month_start, vendor, kind, webinars, attendees, registrations, attendance_rate, stayed_share
with webinars as (

    select * from {{ ref('webinars') }}

),

months as (

    select
        cast(date_trunc('month', ended_date) as date) as month_start,
        vendor,
        kind,
        count(*) as webinars,
        cast(sum(attendees) as bigint) as attendees,
        cast(sum(registrations) as bigint) as registrations,
        cast(sum(registrants_attended) filter (where registrations is not null) as bigint) as told_registrants,
        cast(sum(registrations) filter (where registrants_attended is not null) as bigint) as told_registrations,
        cast(sum(stayed_attendees) as bigint) as stayed_attendees
    from webinars
    group by cast(date_trunc('month', ended_date) as date), vendor, kind

)

select
    month_start,
    vendor,
    kind,
    webinars,
    attendees,
    registrations,
    cast(told_registrants as double) / nullif(told_registrations, 0) as attendance_rate,
    cast(stayed_attendees as double) / nullif(attendees, 0) as stayed_share
from months
order by month_start, vendor, kind
