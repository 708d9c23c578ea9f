with meetings as (

    select * from {{ ref('meetings') }}
    where host_email is not null

),

months as (

    select
        cast(date_trunc('month', ended_date) as date) as month_start,
        vendor,
        host_email,
        count(*) as meetings,
        cast(sum(duration_seconds) as bigint) as hosted_seconds,
        count(distinct ended_date) as days_hosted,
        cast(sum(attendee_count) as bigint) as attendees,
        cast(sum(attended_seconds) as bigint) as attended_seconds
    from meetings
    group by cast(date_trunc('month', ended_date) as date), vendor, host_email

)

select * from months
