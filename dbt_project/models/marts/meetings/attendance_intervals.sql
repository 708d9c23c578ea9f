{{ config(materialized=by_changes(), incremental_strategy='replace_meetings', on_schema_change='fail') }}

with intervals as (

    select * from {{ ref('int_intervals_unioned') }}

),

merged as (

    select * from {{ ref('int_identities_merged') }}

),

attributed as (

    select
        intervals.interval_key,
        intervals.meeting_key,
        md5(coalesce(merged.attendee_token, intervals.identity_token)) as attendee_key,
        intervals.vendor,
        intervals.display_name,
        intervals.joined_at,
        intervals.left_at,
        intervals.duration_seconds,
        intervals.room,
        intervals.device,
        intervals.client,
        intervals.audio
    from intervals
    left join merged
        on intervals.identity_token = merged.identity_token

)

select * from attributed
