{{ config(materialized=by_changes(), incremental_strategy='replace_activity_dates', on_schema_change='fail') }}

{% set pause = var('back_to_back_seconds') %}

-- whoever is known by a name at most is a person of that meeting alone
with people as (

    select
        person_key,
        -- ten million rows are grouped by it in two thirds of the time
        row_number() over (order by person_key) as person_number
    from {{ ref('people') }}
    where is_identified

),

attendees as (

    select
        people.person_number,
        attendees.attendee_key,
        attendees.first_joined_at,
        attendees.last_left_at,
        cast(attendees.first_joined_at as date) as activity_date
    from {{ ref('attendees') }} as attendees
    inner join people
        on attendees.person_key = people.person_key

),

presence as (

    select
        attendees.person_number,
        presence.activity_date,
        {{ seconds_between('cast(presence.activity_date as timestamp)', 'presence.present_from') }} as first_second,
        {{ seconds_between('cast(presence.activity_date as timestamp)', 'presence.present_until') }} as end_second
    from {{ ref('int_presence_merged') }} as presence
    inner join attendees
        on presence.attendee_key = attendees.attendee_key
    where {{ is_changed('presence.activity_date', 'int_changed_dates') }}

),

compared_joins as (

    select
        person_number,
        activity_date,
        first_joined_at,
        max(last_left_at) over (
            partition by person_number, activity_date
            order by first_joined_at, last_left_at
            rows between unbounded preceding and 1 preceding
        ) as left_before_at
    from attendees
    where {{ is_changed('activity_date', 'int_changed_dates') }}

),

compared_stays as (

    select
        *,
        max(end_second) over (
            partition by person_number, activity_date
            order by first_second, end_second
            rows between unbounded preceding and 1 preceding
        ) as end_before
    from presence
    where first_second < end_second

),

-- a stretch begins where what came before is over for long enough
stretched as (

    select
        *,
        max(case when first_second - end_before <= {{ pause }} then null else first_second end) over (
            partition by person_number, activity_date
            order by first_second, end_second
            rows between unbounded preceding and current row
        ) as stretch_first_second
    from compared_stays

),

parts as (

    select
        person_number,
        activity_date,
        1 as meetings_joined,
        case
            when
                first_joined_at >= left_before_at
                and first_joined_at <= {{ plus_seconds('left_before_at', pause) }}
                then 1
            else 0
        end as back_to_back_meetings,
        case when first_joined_at < left_before_at then 1 else 0 end as overlapping_meetings,
        0 as attended_seconds,
        0 as present_seconds,
        0 as stretch_seconds
    from compared_joins

    union all

    select
        person_number,
        activity_date,
        0 as meetings_joined,
        0 as back_to_back_meetings,
        0 as overlapping_meetings,
        end_second - first_second as attended_seconds,
        greatest(0, end_second - greatest(first_second, coalesce(end_before, first_second))) as present_seconds,
        greatest(end_second, coalesce(end_before, end_second)) - stretch_first_second as stretch_seconds
    from stretched

),

totals as (

    select
        person_number,
        activity_date,
        cast(sum(meetings_joined) as bigint) as meetings_joined,
        cast(sum(back_to_back_meetings) as bigint) as back_to_back_meetings,
        cast(sum(overlapping_meetings) as bigint) as overlapping_meetings,
        cast(sum(attended_seconds) as bigint) as attended_seconds,
        cast(sum(present_seconds) as bigint) as present_seconds,
        cast(max(stretch_seconds) as bigint) as longest_stretch_seconds
    from parts
    group by person_number, activity_date

),

person_load as (

    select
        people.person_key,
        totals.activity_date,
        totals.meetings_joined,
        totals.back_to_back_meetings,
        totals.overlapping_meetings,
        totals.attended_seconds,
        totals.present_seconds,
        totals.attended_seconds - totals.present_seconds as double_booked_seconds,
        totals.longest_stretch_seconds
    from totals
    inner join people
        on totals.person_number = people.person_number

)

select * from person_load
