with changed_meetings as (

    select * from {{ ref('int_changed_meetings') }}

),

meetings as (

    select meetings.*
    from {{ ref('int_meetings_unioned') }} as meetings
    inner join {{ ref('int_meetings_to_identify') }} as changed
        on meetings.meeting_key = changed.meeting_key

),

intervals as (

    select intervals.*
    from {{ ref('attendance_intervals') }} as intervals
    inner join {{ ref('int_meetings_to_identify') }} as changed
        on intervals.meeting_key = changed.meeting_key

),

spans as (

    select
        first_date,
        last_date
    from changed_meetings
    where first_date is not null

    union

    select
        cast(started_at as date) as first_date,
        greatest(cast(ended_at as date), ended_date) as last_date
    from meetings

    union

    select
        cast(joined_at as date) as first_date,
        cast(left_at as date) as last_date
    from intervals

),

dates as (

    select {{ each_date('first_date', 'last_date') }} as activity_date
    from spans
    where first_date <= last_date

),

changed as (

    select distinct activity_date
    from dates

)

select * from changed
