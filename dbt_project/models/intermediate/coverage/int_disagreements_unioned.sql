{{ config(materialized='view') }}

-- a further vendor that tells of a meeting twice is one more line here
{% set vendors = [
    ref('int_webex_disagreements'),
    ref('int_teams_disagreements'),
] %}

with unioned as (

    {% for vendor_disagreements in vendors %}
    select
        meeting_key,
        remark
    from {{ vendor_disagreements }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select * from unioned
