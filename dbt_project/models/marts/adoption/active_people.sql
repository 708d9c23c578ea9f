with person_days as (

    select * from {{ ref('person_days') }}
    where meetings_attended > 0 or meetings_hosted > 0

),

people as (

    select * from {{ ref('people') }}

),

loaded as (

    select max(as_of) as as_of
    from {{ ref('stg_pipeline__vendors') }}

),

active_days as (

    select
        person_key,
        vendor,
        activity_date,
        meetings_attended > 0 as attended,
        meetings_hosted > 0 as hosted
    from person_days

    union all

    select
        person_key,
        'all' as vendor,
        activity_date,
        max(meetings_attended) > 0 as attended,
        max(meetings_hosted) > 0 as hosted
    from person_days
    group by person_key, activity_date

),

first_days as (

    select
        person_key,
        vendor,
        min(activity_date) filter (where attended) as first_attended_date,
        min(activity_date) filter (where hosted) as first_hosted_date
    from active_days
    group by person_key, vendor

),

active_periods as (

    {% for period in ['day', 'week', 'month'] %}
    select
        '{{ period }}' as period,
        cast(date_trunc('{{ period }}', activity_date) as date) as period_start,
        vendor,
        person_key,
        count(*) filter (where attended) as days_attended,
        count(*) filter (where hosted) as days_hosted
    from active_days
    group by cast(date_trunc('{{ period }}', activity_date) as date), vendor, person_key
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

counted as (

    select
        active_periods.period,
        active_periods.period_start,
        active_periods.vendor,
        count(*) filter (where active_periods.days_attended > 0) as active_attendees,
        count(*) filter (where active_periods.days_attended > 0 and people.is_identified) as identified_attendees,
        count(*) filter (
            where active_periods.days_attended > 0 and active_periods.period_start <= first_days.first_attended_date
        ) as new_attendees,
        count(*) filter (where active_periods.days_hosted > 0) as active_hosts,
        count(*) filter (
            where active_periods.days_hosted > 0 and active_periods.period_start <= first_days.first_hosted_date
        ) as new_hosts,
        cast(sum(active_periods.days_attended) as double) as days_attended,
        cast(sum(active_periods.days_hosted) as double) as days_hosted
    from active_periods
    inner join first_days
        on
            active_periods.person_key = first_days.person_key
            and active_periods.vendor = first_days.vendor
    left join people
        on active_periods.person_key = people.person_key
    group by active_periods.period, active_periods.period_start, active_periods.vendor

),

ending as (

    select
        *,
        cast(
            case period
                when 'day' then period_start + interval 1 day
                when 'week' then period_start + interval 7 day
                else period_start + interval 1 month
            end as date
        ) as next_start
    from counted

),

lasting as (

    select
        *,
        cast(
            ({{ seconds_between('cast(period_start as timestamp)', 'cast(next_start as timestamp)') }}) / 86400 as bigint
        ) as days
    from ending

),

active_people as (

    select
        lasting.period,
        lasting.period_start,
        lasting.vendor,
        lasting.active_attendees,
        lasting.identified_attendees,
        lasting.new_attendees,
        lasting.active_attendees - lasting.new_attendees as returning_attendees,
        lasting.active_hosts,
        lasting.new_hosts,
        lasting.active_hosts - lasting.new_hosts as returning_hosts,
        lasting.days_attended / lasting.days as average_daily_attendees,
        lasting.days_hosted / lasting.days as average_daily_hosts,
        lasting.days_attended / lasting.days / nullif(lasting.active_attendees, 0) as attendee_stickiness,
        lasting.days_hosted / lasting.days / nullif(lasting.active_hosts, 0) as host_stickiness,
        lasting.days,
        coalesce(lasting.next_start <= loaded.as_of, false) as is_complete
    from lasting
    cross join loaded

)

select * from active_people
