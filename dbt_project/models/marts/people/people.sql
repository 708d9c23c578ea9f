{{ config(materialized=by_changes(), incremental_strategy='replace_people', on_schema_change='fail') }}

with attendees as (

    select * from {{ ref('attendees') }}
    where {{ is_changed('person_key', 'int_changed_people') }}

),

names as (

    select
        person_key,
        display_name,
        count(*) as meetings,
        sum(attended_seconds) as attended_seconds
    from attendees
    where display_name is not null
    group by person_key, display_name

),

ranked_names as (

    select
        person_key,
        display_name,
        row_number() over (
            partition by person_key
            order by meetings desc, attended_seconds desc, display_name
        ) as preference
    from names

),

people as (

    select
        person_key,
        min(email) as email,
        bool_and(is_external) as is_external,
        -- whoever carried neither address nor account is known by nothing but the one attendee
        bool_and(person_key <> attendee_key) as is_identified,
        {{ distinct_values_as_text('vendor') }} as vendors,
        min(ended_date) as first_seen_date,
        max(ended_date) as last_seen_date
    from attendees
    group by person_key

),

named as (

    select
        people.person_key,
        people.email,
        ranked_names.display_name,
        people.is_external,
        people.is_identified,
        people.vendors,
        people.first_seen_date,
        people.last_seen_date
    from people
    left join ranked_names
        on
            people.person_key = ranked_names.person_key
            and ranked_names.preference = 1

)

select * from named
