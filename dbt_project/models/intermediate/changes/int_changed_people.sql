with people_before as (

    select * from {{ ref('int_people_before') }}

),

attendees as (

    select * from {{ ref('attendees') }}
    where meeting_key in (select changed.meeting_key from {{ ref('int_meetings_to_identify') }} as changed)

),

changed as (

    select person_key from people_before

    union

    select person_key from attendees

)

select * from changed
