-- a view, so that the clock is read when the question is asked
{{ config(materialized='view') }}

with missing as (

    select * from {{ ref('missing') }}

),

lost as (

    select * from missing
    where recoverable_until <= {{ utc_now() }}

)

select * from lost
