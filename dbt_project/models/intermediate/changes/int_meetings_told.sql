{{ config(materialized=by_changes(), incremental_strategy='replace_meetings') }}

with telling as (

    {{ told_of_meetings() }}

),

-- of the meetings at work alone
at_work as (

    select *
    from telling
    where {{ is_at_work() }}

),

told as (

    select distinct
        md5(vendor || '|' || vendor_meeting_id) as meeting_key,
        vendor,
        vendor_meeting_id,
        ended_date
    from at_work

)

select * from told
