with meetings as (

    select * from {{ ref('meetings') }}

),

parts as (

    select * from {{ ref('int_logical_parts') }}

),

meeting_people as (

    select * from {{ ref('int_meeting_people') }}

),

series as (

    select * from {{ ref('series') }}

),

logical_meetings as (

    select * from {{ ref('logical_meetings') }}

),

shaped as (

    select
        meetings.ended_date,
        meetings.vendor,
        meetings.kind,
        meetings.attendee_count,
        meetings.duration_seconds,
        parts.meeting_key <> parts.logical_meeting_key as is_host_drop,
        coalesce(meeting_people.is_host_only, false) as is_host_only,
        coalesce(series.is_recurring, false) as is_recurring
    from meetings
    inner join parts
        on meetings.meeting_key = parts.meeting_key
    left join meeting_people
        on meetings.meeting_key = meeting_people.meeting_key
    left join series
        on
            meetings.vendor = series.vendor
            and meetings.series_id = series.series_id

),

of_meetings as (

    select
        ended_date,
        vendor,
        kind,
        count(*) as meetings,
        count(*) filter (where is_host_drop) as host_drops,
        count(*) filter (where attendee_count = 0) as empty_meetings,
        count(*) filter (where attendee_count = 1) as single_attendee_meetings,
        count(*) filter (where is_host_only) as host_only_meetings,
        count(*) filter (where attendee_count >= {{ var('large_meeting_attendees') }}) as large_meetings,
        count(*) filter (where duration_seconds >= {{ var('long_meeting_seconds') }}) as long_meetings,
        count(*) filter (where is_recurring) as recurring_meetings,
        count(*) filter (where not is_recurring) as one_off_meetings,
        cast(sum(attendee_count) as bigint) as attendees,
        cast(sum(duration_seconds) as bigint) as duration_seconds,
        percentile_cont(0.5) within group (order by attendee_count) as median_attendees,
        percentile_cont(0.9) within group (order by attendee_count) as p90_attendees,
        percentile_cont(0.5) within group (order by duration_seconds) as median_duration_seconds,
        percentile_cont(0.9) within group (order by duration_seconds) as p90_duration_seconds
    from shaped
    group by ended_date, vendor, kind

),

of_logical_meetings as (

    select
        ended_date,
        vendor,
        kind,
        count(*) as logical_meetings
    from logical_meetings
    group by ended_date, vendor, kind

),

-- a vendor may call the last part another kind than the first
shape as (

    select
        coalesce(of_meetings.ended_date, of_logical_meetings.ended_date) as ended_date,
        coalesce(of_meetings.vendor, of_logical_meetings.vendor) as vendor,
        coalesce(of_meetings.kind, of_logical_meetings.kind) as kind,
        coalesce(of_meetings.meetings, 0) as meetings,
        coalesce(of_logical_meetings.logical_meetings, 0) as logical_meetings,
        coalesce(of_meetings.host_drops, 0) as host_drops,
        coalesce(of_meetings.empty_meetings, 0) as empty_meetings,
        coalesce(of_meetings.single_attendee_meetings, 0) as single_attendee_meetings,
        coalesce(of_meetings.host_only_meetings, 0) as host_only_meetings,
        coalesce(of_meetings.large_meetings, 0) as large_meetings,
        coalesce(of_meetings.long_meetings, 0) as long_meetings,
        coalesce(of_meetings.recurring_meetings, 0) as recurring_meetings,
        coalesce(of_meetings.one_off_meetings, 0) as one_off_meetings,
        coalesce(of_meetings.attendees, 0) as attendees,
        coalesce(of_meetings.duration_seconds, 0) as duration_seconds,
        of_meetings.median_attendees,
        of_meetings.p90_attendees,
        of_meetings.median_duration_seconds,
        of_meetings.p90_duration_seconds
    from of_meetings
    full outer join of_logical_meetings
        on
            of_meetings.ended_date = of_logical_meetings.ended_date
            and of_meetings.vendor = of_logical_meetings.vendor
            and of_meetings.kind = of_logical_meetings.kind

)

select * from shape
