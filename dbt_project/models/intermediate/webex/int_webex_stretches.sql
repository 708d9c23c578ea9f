{{ config(materialized='view') }}

with participants as (

    select * from {{ ref('stg_webex__participants') }}
    -- of the meetings at work alone
    where {{ is_at_work() }}

),

devices as (

    select * from {{ ref('stg_webex__devices') }}
    -- of the meetings at work alone
    where {{ is_at_work() }}

),

timed_devices as (

    select * from devices
    where joined_at <= left_at

),

of_devices as (

    select
        participants.vendor_meeting_id,
        participants.participant_id,
        devices.device_number,
        coalesce(devices.correlation_id, devices.device_type, '') as device_name,
        devices.device_type,
        devices.audio_type,
        participants.room,
        devices.joined_at,
        devices.left_at
    from timed_devices as devices
    inner join participants
        on
            devices.vendor_meeting_id = participants.vendor_meeting_id
            and devices.participant_id = participants.participant_id

),

with_timed_devices as (

    select distinct
        vendor_meeting_id,
        participant_id
    from timed_devices

),

of_participants_alone as (

    select
        participants.vendor_meeting_id,
        participants.participant_id,
        0 as device_number,
        '' as device_name,
        cast(null as string) as device_type,
        cast(null as string) as audio_type,
        participants.room,
        participants.joined_at,
        participants.left_at
    from participants
    left join with_timed_devices
        on
            participants.vendor_meeting_id = with_timed_devices.vendor_meeting_id
            and participants.participant_id = with_timed_devices.participant_id
    where
        with_timed_devices.participant_id is null
        and participants.joined_at <= participants.left_at

),

stretches as (

    select * from of_devices

    union all

    select * from of_participants_alone

)

select * from stretches
