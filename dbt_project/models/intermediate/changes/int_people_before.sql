{% set built = as_built('marts', 'attendees') %}
{% set before = as_built('intermediate', 'int_people_before') %}

with to_identify as (

    select * from {{ ref('int_meetings_to_identify') }}

),

batches as (

    select coalesce(max(batch), 0) as batch
    from {{ ref('stg_pipeline__loads') }}

),

builds as (

    select coalesce(max(finished_batch), 0) as finished_batch
    from {{ ref('stg_pipeline__builds') }}

),

people as (

    select
        cast(null as string) as person_key
    where false

    {% if built %}
    union

    select built.person_key
    from {{ built }} as built
    inner join to_identify
        on built.meeting_key = to_identify.meeting_key
    {% endif %}

    {% if before %}
    union

    -- of builds that didn't finish
    select before.person_key
    from {{ before }} as before
    cross join builds
    where before.batch > builds.finished_batch
    {% endif %}

),

dated as (

    select
        people.person_key,
        batches.batch
    from people
    cross join batches

)

select * from dated
