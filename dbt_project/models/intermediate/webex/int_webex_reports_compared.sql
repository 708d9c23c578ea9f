{{ config(materialized=by_changes(), incremental_strategy='replace_meetings') }}

with attendees as (

    select * from {{ ref('stg_webex__attendees') }}
    where {{ is_at_work() }}

),

participants as (

    select * from {{ ref('stg_webex__participants') }}
    where {{ is_at_work() }}

),

devices as (

    select * from {{ ref('stg_webex__devices') }}
    where {{ is_at_work() }}

),

first_joins as (

    select
        vendor_meeting_id,
        participant_id,
        min(joined_at) as joined_at
    from devices
    group by vendor_meeting_id, participant_id

),

named as (

    select
        vendor_meeting_id,
        known_as,
        true as is_attendee,
        false as is_participant
    from attendees
    where
        joined_at is not null
        and known_as is not null

    union all

    select
        participants.vendor_meeting_id,
        participants.known_as,
        false as is_attendee,
        true as is_participant
    from participants
    left join first_joins
        on
            participants.vendor_meeting_id = first_joins.vendor_meeting_id
            and participants.participant_id = first_joins.participant_id
    where
        coalesce(participants.joined_at, first_joins.joined_at) is not null
        and participants.room <> 'waiting'
        and participants.known_as is not null

),

people as (

    select
        vendor_meeting_id,
        known_as,
        bool_or(is_attendee) as is_attendee,
        bool_or(is_participant) as is_participant
    from named
    group by vendor_meeting_id, known_as

),

counted as (

    select
        md5('webex|' || vendor_meeting_id) as meeting_key,
        vendor_meeting_id,
        count(*) filter (where is_attendee) as attendees,
        count(*) filter (where is_participant) as participants,
        count(*) filter (where is_attendee and is_participant) as people_of_both,
        count(*) as people
    from people
    group by vendor_meeting_id

)

select * from counted
