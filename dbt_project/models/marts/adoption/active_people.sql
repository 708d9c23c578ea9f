with person_days as (

    select * from {{ ref('person_days') }}
    where meetings_attended > 0 or meetings_hosted > 0

),

people as (

    select * from {{ ref('people') }}

),

-- a number for each: ten million days are grouped by it in a fraction of the time
numbered as (

    select
        met.person_key,
        people.is_identified,
        cast(row_number() over (order by met.person_key) as int) as person
    from (select distinct person_key from person_days) as met
    left join people
        on met.person_key = people.person_key

),

loaded as (

    select max(as_of) as as_of
    from {{ ref('stg_pipeline__vendors') }}

),

days_of_vendors as (

    select
        numbered.person,
        numbered.is_identified,
        person_days.vendor,
        person_days.activity_date,
        person_days.meetings_attended > 0 as attended,
        person_days.meetings_hosted > 0 as hosted
    from person_days
    inner join numbered
        on person_days.person_key = numbered.person_key

),

active_days as (

    select * from days_of_vendors

    union all

    select
        person,
        bool_or(is_identified) as is_identified,
        'all' as vendor,
        activity_date,
        bool_or(attended) as attended,
        bool_or(hosted) as hosted
    from days_of_vendors
    group by person, activity_date

),

active_periods as (

    select
        'day' as period,
        activity_date as period_start,
        vendor,
        is_identified,
        cast(attended as bigint) as days_attended,
        cast(hosted as bigint) as days_hosted
    from active_days

    {% for period in ['week', 'month'] %}
    union all

    select
        '{{ period }}' as period,
        cast(date_trunc('{{ period }}', activity_date) as date) as period_start,
        vendor,
        bool_or(is_identified) as is_identified,
        count(*) filter (where attended) as days_attended,
        count(*) filter (where hosted) as days_hosted
    from active_days
    group by cast(date_trunc('{{ period }}', activity_date) as date), vendor, person
    {% endfor %}

),

active as (

    select
        period,
        period_start,
        vendor,
        count(*) filter (where days_attended > 0) as active_attendees,
        count(*) filter (where days_attended > 0 and is_identified) as identified_attendees,
        count(*) filter (where days_hosted > 0) as active_hosts,
        cast(sum(days_attended) as double) as days_attended,
        cast(sum(days_hosted) as double) as days_hosted
    from active_periods
    group by period, period_start, vendor

),

first_days as (

    select
        vendor,
        min(activity_date) filter (where attended) as first_attended_date,
        min(activity_date) filter (where hosted) as first_hosted_date
    from active_days
    group by person, vendor

),

-- who is new in a period has the first day in it
newcomers as (

    {% for period in ['day', 'week', 'month'] %}
    {% for attendees, hosts, first_date in [(1, 0, 'first_attended_date'), (0, 1, 'first_hosted_date')] %}
    select
        '{{ period }}' as period,
        cast(date_trunc('{{ period }}', {{ first_date }}) as date) as period_start,
        vendor,
        {{ attendees }} as attendees,
        {{ hosts }} as hosts
    from first_days
    where {{ first_date }} is not null
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

new_people as (

    select
        period,
        period_start,
        vendor,
        cast(sum(attendees) as bigint) as new_attendees,
        cast(sum(hosts) as bigint) as new_hosts
    from newcomers
    group by period, period_start, vendor

),

counted as (

    select
        active.period,
        active.period_start,
        active.vendor,
        active.active_attendees,
        active.identified_attendees,
        coalesce(new_people.new_attendees, 0) as new_attendees,
        active.active_hosts,
        coalesce(new_people.new_hosts, 0) as new_hosts,
        active.days_attended,
        active.days_hosted
    from active
    left join new_people
        on
            active.period = new_people.period
            and active.period_start = new_people.period_start
            and active.vendor = new_people.vendor

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
