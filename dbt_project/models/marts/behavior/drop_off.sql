with daily_changes as (

    select * from {{ ref('int_drop_off_changes') }}

),

changes as (

    select
        cast(date_trunc('month', ended_date) as date) as month_start,
        vendor,
        minute,
        sum(meetings) as meetings,
        sum(attendees) as attendees,
        sum(present_attendees) as present_attendees
    from daily_changes
    group by cast(date_trunc('month', ended_date) as date), vendor, minute

),

compared as (

    select
        month_start,
        vendor,
        minute,
        sum(meetings) over minutes_so_far as meetings,
        sum(attendees) over minutes_so_far as attendees,
        sum(present_attendees) over minutes_so_far as present_attendees,
        lead(minute) over minutes_so_far - 1 as last_minute
    from changes
    window minutes_so_far as (partition by month_start, vendor order by minute)

),

-- a stretch of minutes in which nothing changes is a row for each of them
minutes as (

    select
        month_start,
        vendor,
        {{ each_number('minute', 'last_minute') }} as minute,
        cast(meetings as bigint) as meetings,
        cast(attendees as bigint) as attendees,
        cast(present_attendees as bigint) as present_attendees
    from compared
    where meetings > 0

),

shares as (

    select
        month_start,
        vendor,
        minute,
        meetings,
        attendees,
        present_attendees,
        case when attendees > 0 then cast(present_attendees as double) / attendees end as present_share
    from minutes

)

select * from shares
