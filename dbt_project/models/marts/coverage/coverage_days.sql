with vendors as (

    select * from {{ ref('stg_pipeline__vendors') }}

),

days as (

    select * from {{ ref('int_days_unioned') }}

),

coverage as (

    select * from {{ ref('coverage') }}

),

known as (

    select vendor from vendors where is_on
    union
    select vendor from days
    union
    select vendor from coverage

),

wanted as (

    select
        vendors.vendor,
        vendors.is_on,
        vendors.settles_seconds,
        vendors.listed_seconds,
        {{ each_date('vendors.first_date', 'vendors.as_of') }} as ended_date
    from vendors
    inner join known
        on vendors.vendor = known.vendor
    where vendors.first_date <= vendors.as_of

),

counted as (

    select
        vendor,
        ended_date,
        count(*) as meetings,
        count(*) filter (where status = 'complete') as held,
        count(*) filter (where status = 'partial') as partial,
        count(*) filter (where status = 'not_ready') as not_ready,
        count(*) filter (where status = 'denied') as denied,
        count(*) filter (where status = 'gone') as gone,
        count(*) filter (where status = 'blocked') as blocked,
        count(*) filter (where is_missing) as missing
    from coverage
    group by vendor, ended_date

),

covered as (

    select
        wanted.vendor,
        wanted.ended_date,
        coalesce(days.status, 'never_asked') as status,
        case
            when days.status is not null then days.reason
            when wanted.is_on then 'never asked'
            else 'never asked, the vendor is off'
        end as reason,
        days.asked_at,
        coalesce(days.settled, false) as settled,
        coalesce(counted.meetings, 0) as meetings,
        coalesce(counted.held, 0) as held,
        coalesce(counted.partial, 0) as partial,
        coalesce(counted.not_ready, 0) as not_ready,
        coalesce(counted.denied, 0) as denied,
        coalesce(counted.gone, 0) as gone,
        coalesce(counted.blocked, 0) as blocked,
        coalesce(counted.missing, 0) as missing,
        coalesce(days.rows_quarantined, 0) as rows_quarantined,
        {{ plus_seconds('cast(wanted.ended_date as timestamp)', '86400 + wanted.settles_seconds') }} as settles_at,
        coalesce(
            days.recoverable_until,
            {{ plus_seconds('cast(wanted.ended_date as timestamp)', 'wanted.listed_seconds') }}
        ) as recoverable_until
    from wanted
    left join days
        on wanted.vendor = days.vendor and wanted.ended_date = days.ended_date
    left join counted
        on wanted.vendor = counted.vendor and wanted.ended_date = counted.ended_date

)

select * from covered
