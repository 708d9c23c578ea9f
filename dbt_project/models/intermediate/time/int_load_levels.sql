{{ config(materialized=by_changes(), incremental_strategy='replace_activity_dates') }}

{% set epoch = "timestamp '1970-01-01 00:00:00'" %}

with meetings as (

    select * from {{ ref('int_meetings_unioned') }}

),

running as (

    select * from {{ ref('int_meetings_running') }}
    where {{ is_changed('activity_date', 'int_changed_dates') }}

),

presence as (

    select * from {{ ref('int_presence_merged') }}
    where {{ is_changed('activity_date', 'int_changed_dates') }}

),

vendors as (

    select distinct vendor
    from meetings

    union all

    select 'all' as vendor

),

measures as (

    select 'meetings' as measure

    union all

    select 'attendees' as measure

),

-- a number for each measure and vendor: ten million rows are grouped by it in half the time
lanes as (

    select
        measures.measure,
        vendors.vendor,
        cast(row_number() over (order by measures.measure, vendors.vendor) as int) as lane
    from measures
    cross join vendors

),

pieces as (

    select
        lanes.lane,
        {{ seconds_between(epoch, 'running.running_from') }} as first_second,
        {{ seconds_between(epoch, 'running.running_until') }} as end_second
    from running
    inner join lanes
        on
            running.vendor = lanes.vendor
            and lanes.measure = 'meetings'

    union all

    select
        lanes.lane,
        {{ seconds_between(epoch, 'presence.present_from') }} as first_second,
        {{ seconds_between(epoch, 'presence.present_until') }} as end_second
    from presence
    inner join meetings
        on presence.meeting_key = meetings.meeting_key
    inner join lanes
        on
            meetings.vendor = lanes.vendor
            and lanes.measure = 'attendees'

),

changes as (

    select
        lane,
        first_second as changed_second,
        1 as change
    from pieces

    union all

    select
        lane,
        end_second as changed_second,
        -1 as change
    from pieces

),

changes_of_vendors as (

    select
        lane,
        changed_second,
        cast(sum(change) as int) as change
    from changes
    group by lane, changed_second

),

changes_by_second as (

    select * from changes_of_vendors

    union all

    select
        lanes_of_all.lane,
        changes.changed_second,
        cast(sum(changes.change) as int) as change
    from changes_of_vendors as changes
    inner join lanes
        on changes.lane = lanes.lane
    inner join lanes as lanes_of_all
        on
            lanes.measure = lanes_of_all.measure
            and lanes_of_all.vendor = 'all'
    group by lanes_of_all.lane, changes.changed_second

),

changes_by_quarter as (

    select
        lane,
        cast(floor(changed_second / 900) as bigint) as quarter,
        sum(change) as change
    from changes_by_second
    group by lane, cast(floor(changed_second / 900) as bigint)

),

-- every piece ends within its date, so this is the same over some dates as over all
lasting as (

    select
        lane,
        quarter,
        cast(sum(change) over quarters_so_far as int) as level,
        lead(quarter) over quarters_so_far as next_quarter
    from changes_by_quarter
    window quarters_so_far as (partition by lane order by quarter)

),

beginnings as (

    select
        lane,
        {{ each_number('quarter + 1', 'next_quarter') }} as quarter,
        level as change
    from lasting
    where level > 0

),

-- each quarter of an hour begins with what lasts into it, so that none depends on another
changes_within_quarters as (

    select
        lane,
        cast(floor(changed_second / 900) as bigint) as quarter,
        cast(changed_second - 900 * floor(changed_second / 900) as int) as second_of_quarter,
        change
    from changes_by_second

    union all

    select
        lane,
        quarter,
        0 as second_of_quarter,
        change
    from beginnings

),

-- a range frame takes all changes of one second together
segments as (

    select
        lane,
        quarter,
        sum(change) over (
            partition by lane, quarter
            order by second_of_quarter
            range between unbounded preceding and current row
        ) as level,
        coalesce(
            lead(second_of_quarter) over (
                partition by lane, quarter
                order by second_of_quarter
            ),
            900
        ) - second_of_quarter as seconds
    from changes_within_quarters

),

totals as (

    select
        lane,
        quarter,
        cast(level as bigint) as level,
        cast(sum(seconds) as bigint) as seconds
    from segments
    where
        level > 0
        and seconds > 0
    group by lane, quarter, level

),

levels as (

    select
        cast({{ plus_seconds(epoch, 'totals.quarter * 900') }} as date) as activity_date,
        lanes.vendor,
        {{ plus_seconds(epoch, 'totals.quarter * 900') }} as quarter_start,
        lanes.measure,
        totals.level,
        totals.seconds
    from totals
    inner join lanes
        on totals.lane = lanes.lane

)

select * from levels
