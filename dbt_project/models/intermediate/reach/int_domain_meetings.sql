{{ config(materialized=by_changes(), incremental_strategy='replace_ended_dates') }}

with attendees as (

    select * from {{ ref('attendees') }}
    where {{ is_changed('ended_date', 'int_changed_dates') }}

),

totals as (

    select
        ended_date,
        vendor,
        nullif(split_part(email, '@', 2), '') as email_domain,
        count(distinct meeting_key) as meetings
    from attendees
    group by ended_date, vendor, nullif(split_part(email, '@', 2), '')

)

select * from totals
