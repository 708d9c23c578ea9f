with meetings as (

    select * from {{ ref('meetings') }}

),

banded as (

    select
        ended_date,
        vendor,
        kind,
        case
            when attendee_count = 0 then '0'
            when attendee_count = 1 then '1'
            when attendee_count < 5 then '2-4'
            when attendee_count < 10 then '5-9'
            when attendee_count < 25 then '10-24'
            when attendee_count < 50 then '25-49'
            when attendee_count < 100 then '50-99'
            else '100+'
        end as size_band,
        case
            when duration_seconds < 300 then '0-5 min'
            when duration_seconds < 900 then '5-15 min'
            when duration_seconds < 1800 then '15-30 min'
            when duration_seconds < 3600 then '30-60 min'
            when duration_seconds < 5400 then '60-90 min'
            else '90+ min'
        end as duration_band,
        attendee_count,
        attended_seconds
    from meetings

),

distribution as (

    select
        ended_date,
        vendor,
        kind,
        size_band,
        duration_band,
        count(*) as meetings,
        cast(sum(attendee_count) as bigint) as attendees,
        cast(sum(attended_seconds) as bigint) as attended_seconds
    from banded
    group by ended_date, vendor, kind, size_band, duration_band

)

select * from distribution
