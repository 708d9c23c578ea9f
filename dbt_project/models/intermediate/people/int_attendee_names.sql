with intervals as (

    select * from {{ ref('attendance_intervals') }}
    -- of the meetings at work alone
    where meeting_key in (select changed.meeting_key from {{ ref('int_meetings_to_identify') }} as changed)

),

attendees_of_several_names as (

    select attendee_key
    from intervals
    group by attendee_key
    having min(display_name) < max(display_name)

),

names as (

    select
        intervals.attendee_key,
        intervals.display_name,
        count(*) as joins,
        sum(intervals.duration_seconds) as seconds
    from intervals
    inner join attendees_of_several_names as several
        on intervals.attendee_key = several.attendee_key
    where intervals.display_name is not null
    group by intervals.attendee_key, intervals.display_name

),

ranked as (

    select
        attendee_key,
        display_name,
        row_number() over (
            partition by attendee_key
            order by joins desc, seconds desc, display_name
        ) as preference
    from names

),

preferred as (

    select
        attendee_key,
        display_name
    from ranked
    where preference = 1

)

select * from preferred
