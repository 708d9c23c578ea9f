-- a view, so that the clock is read when the question is asked
{{ config(materialized='view') }}

with missing as (

    select * from {{ ref('missing') }}

),

expiring as (

    select * from missing
    where
        recoverable_until > {{ utc_now() }}
        and recoverable_until <= {{ plus_seconds(utc_now(), var('expiring_days') * 86400) }}

)

select * from expiring
