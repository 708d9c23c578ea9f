{{ config(materialized='view') }}

-- a further vendor is one more line here
{% set vendors = [
    ref('stg_zoom__readings'),
    ref('stg_webex__readings'),
    ref('int_teams_readings'),
] %}

with unioned as (

    {% for vendor_readings in vendors %}
    select
        vendor,
        vendor_meeting_id,
        report,
        status,
        reason,
        found_by,
        vendor_count,
        held_count,
        is_attendance,
        settled,
        read_at,
        due_at,
        recoverable_until,
        ended_date
    from {{ vendor_readings }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

keyed as (

    select
        md5(vendor || '|' || vendor_meeting_id) as meeting_key,
        unioned.*
    from unioned

)

select * from keyed
