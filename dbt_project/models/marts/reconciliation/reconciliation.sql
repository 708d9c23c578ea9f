-- a further vendor is one more line here
{% set vendors = [
    ('zoom', ref('int_zoom_measures')),
    ('webex', ref('int_webex_measures')),
    ('teams', ref('int_teams_measures')),
] %}

with unioned as (

    {% for vendor, measures in vendors %}
    select
        '{{ vendor }}' as vendor,
        meeting_key,
        ended_date,
        measure,
        ours,
        vendors,
        explanation
    from {{ measures }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

readings as (

    select * from {{ ref('int_readings_unioned') }}
    where is_attendance

),

held as (

    select
        meeting_key,
        bool_and(status = 'complete') as is_complete,
        bool_and(settled) as is_settled
    from readings
    group by meeting_key

),

reconciled as (

    select
        unioned.meeting_key,
        unioned.vendor,
        unioned.ended_date,
        unioned.measure,
        unioned.ours,
        unioned.vendors,
        unioned.ours - unioned.vendors as difference,
        case
            when unioned.ours = unioned.vendors then null
            when unioned.explanation is not null then unioned.explanation
            when
                unioned.ours < unioned.vendors
                and unioned.measure <> 'duration_minutes'
                and not coalesce(held.is_complete, false)
                then 'attendance not all held'
            when not coalesce(held.is_settled, false) then 'not settled'
            else 'unexplained'
        end as reason
    from unioned
    left join held
        on unioned.meeting_key = held.meeting_key

),

judged as (

    select
        *,
        coalesce(reason, '') <> 'unexplained' as is_explained
    from reconciled

)

select * from judged
