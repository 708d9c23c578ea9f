-- a view, so that the views made of it read what the file holds
{{ config(materialized='view') }}

with coverage as (

    select * from {{ ref('coverage') }}
    where is_missing

),

coverage_days as (

    select * from {{ ref('coverage_days') }}
    where status <> 'complete'

),

vendors as (

    select * from {{ ref('stg_pipeline__vendors') }}

),

unioned as (

    select
        vendor,
        ended_date,
        false as is_whole_day,
        meeting_key,
        vendor_meeting_id,
        status,
        reason,
        recoverable_until
    from coverage

    union all

    select
        vendor,
        ended_date,
        true as is_whole_day,
        cast(null as string) as meeting_key,
        cast(null as string) as vendor_meeting_id,
        status,
        reason,
        recoverable_until
    from coverage_days

),

missing as (

    select
        unioned.*,
        {{ plus_seconds('cast(unioned.ended_date as timestamp)', '86400 + vendors.settles_seconds') }} as settles_at
    from unioned
    left join vendors
        on unioned.vendor = vendors.vendor

)

select * from missing
