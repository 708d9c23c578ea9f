{{ config(materialized=by_changes(), incremental_strategy='replace_meetings') }}

-- a further vendor is one more line here
{% set vendors = [
    ref('stg_zoom__meetings'),
    ref('stg_webex__meetings'),
    ref('int_teams_meetings'),
] %}

with unioned as (

    {% for vendor_meetings in vendors %}
    select
        vendor,
        vendor_meeting_id,
        series_id,
        title,
        kind,
        host_email,
        host_name,
        found_by,
        vendor_attendee_count,
        started_at,
        ended_at,
        scheduled_start_at,
        scheduled_end_at,
        ended_date
    from {{ vendor_meetings }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

keyed as (

    select
        md5(vendor || '|' || vendor_meeting_id) as meeting_key,
        vendor,
        vendor_meeting_id,
        series_id,
        title,
        kind,
        nullif(lower(trim(host_email)), '') as host_email,
        host_name,
        found_by,
        vendor_attendee_count,
        started_at,
        ended_at,
        scheduled_start_at,
        scheduled_end_at,
        ended_date,
        {{ seconds_between('started_at', 'ended_at') }} as duration_seconds
    from unioned

),

changed as (

    select * from keyed
    where {{ is_changed('meeting_key', 'int_changed_meetings') }}

)

select * from changed
