{{ config(materialized=by_changes(), incremental_strategy='replace_identified') }}

with attendees as (

    select * from {{ ref('attendees') }}
    where {{ is_changed('meeting_key', 'int_meetings_to_identify') }}

),

meeting_people as (

    select
        ended_date,
        meeting_key,
        count(distinct person_key) as people,
        bool_and(role = 'host') as is_host_only
    from attendees
    group by ended_date, meeting_key

)

select * from meeting_people
