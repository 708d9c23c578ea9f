{{ config(materialized='view') }}

-- a further vendor is one more line here
{% set vendors = [
    ref('stg_zoom__days'),
    ref('stg_webex__days'),
    ref('stg_teams__days'),
] %}

with unioned as (

    {% for vendor_days in vendors %}
    select
        vendor,
        status,
        reason,
        rows_quarantined,
        settled,
        asked_at,
        recoverable_until,
        ended_date
    from {{ vendor_days }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select * from unioned
