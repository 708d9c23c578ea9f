with meetings as (

    select
        vendor,
        host_email,
        duration_seconds,
        cast(date_trunc('month', ended_date) as date) as month_start
    from {{ ref('int_meetings_unioned') }}

),

roster as (

    select * from {{ ref('stg_pipeline__roster') }}

),

spans as (

    select
        vendor,
        min(month_start) as first_month,
        max(month_start) as last_month
    from meetings
    group by vendor

),

months as (

    select
        vendor,
        {{ each_month('first_month', 'last_month') }} as month_start
    from spans

),

known as (

    select
        vendor,
        host_email,
        month_start
    from meetings
    where host_email is not null

    union all

    -- who is on the roster is known from the first month on
    select
        roster.vendor,
        roster.host_email,
        spans.first_month as month_start
    from roster
    inner join spans
        on roster.vendor = spans.vendor

),

known_since as (

    select
        vendor,
        host_email,
        min(month_start) as month_start
    from known
    group by vendor, host_email

),

newly_known as (

    select
        vendor,
        month_start,
        count(*) as hosts
    from known_since
    group by vendor, month_start

),

totals as (

    select
        vendor,
        month_start,
        count(distinct host_email) as active_hosts,
        count(*) as meetings,
        cast(sum(duration_seconds) as bigint) as hosted_seconds
    from meetings
    group by vendor, month_start

),

counted as (

    select
        months.month_start,
        months.vendor,
        coalesce(totals.active_hosts, 0) as active_hosts,
        cast(
            sum(coalesce(newly_known.hosts, 0)) over (
                partition by months.vendor
                order by months.month_start
            ) as bigint
        ) as known_hosts,
        coalesce(totals.meetings, 0) as meetings,
        coalesce(totals.hosted_seconds, 0) as hosted_seconds
    from months
    left join totals
        on
            months.vendor = totals.vendor
            and months.month_start = totals.month_start
    left join newly_known
        on
            months.vendor = newly_known.vendor
            and months.month_start = newly_known.month_start

),

utilization as (

    select
        month_start,
        vendor,
        active_hosts,
        known_hosts,
        case when known_hosts > 0 then cast(active_hosts as double) / known_hosts end as utilization,
        meetings,
        hosted_seconds
    from counted

)

select * from utilization
