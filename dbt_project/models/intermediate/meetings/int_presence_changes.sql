{{ config(materialized='view') }}

with presence as (

    select * from {{ ref('int_presence_merged') }}

),

changes as (

    select
        meeting_key,
        present_from as changed_at,
        1 as change
    from presence

    union all

    select
        meeting_key,
        present_until as changed_at,
        -1 as change
    from presence

)

select * from changes
