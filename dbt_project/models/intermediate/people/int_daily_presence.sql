{{ config(materialized=by_changes(), incremental_strategy='replace_activity_dates') }}

with presence as (

    select * from {{ ref('int_presence_merged') }}
    where {{ is_changed('activity_date', 'int_changed_dates') }}

),

identified as (

    select * from {{ ref('int_attendees_identified') }}

),

meetings as (

    select * from {{ ref('int_meetings_unioned') }}

),

totals as (

    select
        presence.activity_date,
        meetings.vendor,
        coalesce(md5(identified.person_token), presence.attendee_key) as own_person_key,
        cast(
            sum({{ seconds_between('presence.present_from', 'presence.present_until') }}) as bigint
        ) as attended_seconds
    from presence
    inner join meetings
        on presence.meeting_key = meetings.meeting_key
    inner join identified
        on presence.attendee_key = identified.attendee_key
    group by
        presence.activity_date,
        meetings.vendor,
        coalesce(md5(identified.person_token), presence.attendee_key)

)

select * from totals
