{{ config(materialized=by_changes(), incremental_strategy='replace_meetings') }}

with meetings as (

    select * from {{ ref('int_meetings_unioned') }}
    where
        vendor = 'webex'
        and {{ is_changed('meeting_key', 'int_changed_meetings') }}

),

vendor_totals as (

    select * from {{ ref('stg_webex__meetings') }}

),

participants as (

    select * from {{ ref('stg_webex__participants') }}
    where {{ is_at_work() }}

),

pieces as (

    select * from {{ ref('int_webex_pieces') }}

),

attendee_rows as (

    select * from {{ ref('stg_webex__attendees') }}
    where {{ is_at_work() }}

),

intervals as (

    select * from {{ ref('attendance_intervals') }}
    where
        vendor = 'webex'
        and {{ is_changed('meeting_key', 'int_changed_meetings') }}

),

attendees as (

    select * from {{ ref('attendees') }}
    where
        vendor = 'webex'
        and {{ is_changed('meeting_key', 'int_changed_meetings') }}

),

activity as (

    select * from {{ ref('int_meeting_activity') }}

),

timed_participants as (

    select distinct
        vendor_meeting_id,
        participant_id
    from pieces

),

records as (

    select
        participants.vendor_meeting_id,
        count(timed.participant_id) filter (where participants.room <> 'waiting') as timed_records,
        count(*) filter (
            where participants.room <> 'waiting' and timed.participant_id is null
        ) as untimed_records,
        count(*) filter (where participants.room = 'waiting') as waiting_records
    from participants
    left join timed_participants as timed
        on
            participants.vendor_meeting_id = timed.vendor_meeting_id
            and participants.participant_id = timed.participant_id
    group by participants.vendor_meeting_id

),

reported_joins as (

    select
        vendor_meeting_id,
        count(*) as joins,
        count(distinct known_as) as people,
        count(distinct known_as) filter (where joined_at <= left_at) as timed_people
    from attendee_rows
    group by vendor_meeting_id

),

joins as (

    select
        meeting_key,
        cast(sum(duration_seconds) as double) / 60 as minutes_with_waiting,
        sum(floor(cast(duration_seconds as double) / 60)) filter (where room <> 'waiting') as minutes_rounded_down,
        sum(ceil(cast(duration_seconds as double) / 60)) filter (where room <> 'waiting') as minutes_rounded_up
    from intervals
    group by meeting_key

),

people as (

    select
        meeting_key,
        count(*) as attendees,
        count(*) filter (where attended_seconds < device_seconds) as attendees_of_several_devices,
        cast(sum(attended_seconds) as double) / 60 as attended_minutes,
        cast(sum(device_seconds) as double) / 60 as device_minutes
    from attendees
    group by meeting_key

),

told as (

    select
        meetings.meeting_key,
        meetings.ended_date,
        vendor_totals.vendor_attendee_count,
        vendor_totals.vendor_people_minutes,
        vendor_totals.vendor_peak_attendees,
        coalesce(people.attendees, 0) as attendees,
        coalesce(people.attendees_of_several_devices, 0) as attendees_of_several_devices,
        coalesce(people.attended_minutes, 0) as attended_minutes,
        coalesce(people.device_minutes, 0) as device_minutes,
        coalesce(activity.peak_attendees, 0) as peak_attendees,
        coalesce(joins.minutes_with_waiting, 0) as minutes_with_waiting,
        coalesce(joins.minutes_rounded_down, 0) as minutes_rounded_down,
        coalesce(joins.minutes_rounded_up, 0) as minutes_rounded_up,
        -- where no participant has times, the attendees report tells who came
        case
            when records.timed_records > 0 then records.timed_records
            else coalesce(reported_joins.timed_people, 0)
        end as timed_records,
        case
            when records.timed_records > 0 then records.untimed_records
            else coalesce(reported_joins.people - reported_joins.timed_people, 0)
        end as untimed_records,
        -- records none of which has times
        case when records.timed_records = 0 then records.untimed_records else 0 end as untimed_participants,
        coalesce(records.waiting_records, 0) as waiting_records,
        reported_joins.joins as reported_joins
    from meetings
    inner join vendor_totals
        on meetings.vendor_meeting_id = vendor_totals.vendor_meeting_id
    left join people
        on meetings.meeting_key = people.meeting_key
    left join activity
        on meetings.meeting_key = activity.meeting_key
    left join joins
        on meetings.meeting_key = joins.meeting_key
    left join records
        on meetings.vendor_meeting_id = records.vendor_meeting_id
    left join reported_joins
        on meetings.vendor_meeting_id = reported_joins.vendor_meeting_id

),

measured as (

    select
        meeting_key,
        ended_date,
        'attendees' as measure,
        cast(attendees as double) as ours,
        cast(vendor_attendee_count as double) as vendors,
        case
            when vendor_attendee_count < attendees then null
            when vendor_attendee_count = timed_records then 'one person in several records'
            when
                vendor_attendee_count = timed_records + untimed_records
                then concat_ws(
                    '; ',
                    case when attendees < timed_records then 'one person in several records' end,
                    'records without times'
                )
            when
                vendor_attendee_count = timed_records + waiting_records
                then concat_ws(
                    '; ',
                    case when attendees < timed_records then 'one person in several records' end,
                    'waiting room'
                )
            when
                vendor_attendee_count = timed_records + untimed_records + waiting_records
                then concat_ws(
                    '; ',
                    case when attendees < timed_records then 'one person in several records' end,
                    'records without times',
                    'waiting room'
                )
            when
                untimed_participants > 0
                and vendor_attendee_count in (untimed_participants, untimed_participants + waiting_records)
                then 'records without times'
            when vendor_attendee_count = reported_joins then 'joins counted'
        end as explanation
    from told

    union all

    select
        meeting_key,
        ended_date,
        'people_minutes' as measure,
        device_minutes as ours,
        vendor_people_minutes as vendors,
        case
            when abs(device_minutes - vendor_people_minutes) < 1 then 'rounding'
            when abs(minutes_with_waiting - vendor_people_minutes) < 1 then 'waiting room'
            when abs(attended_minutes - vendor_people_minutes) < 1 then 'several devices at once'
            when
                vendor_people_minutes between minutes_rounded_down and minutes_rounded_up
                then 'rounding of each join'
            when vendor_people_minutes > device_minutes and untimed_records > 0 then 'records without times'
        end as explanation
    from told

    union all

    -- a peak isn't a sum: what may have made so much of it explains it
    select
        meeting_key,
        ended_date,
        'peak_attendees' as measure,
        cast(peak_attendees as double) as ours,
        cast(vendor_peak_attendees as double) as vendors,
        case
            when vendor_peak_attendees < peak_attendees then null
            when vendor_peak_attendees - peak_attendees <= timed_records - attendees
                then 'one person in several records'
            when vendor_peak_attendees - peak_attendees <= attendees_of_several_devices
                then 'several devices at once'
            when vendor_peak_attendees - peak_attendees <= untimed_records then 'records without times'
            when vendor_peak_attendees - peak_attendees <= waiting_records then 'waiting room'
        end as explanation
    from told

),

measures as (

    select * from measured
    where vendors is not null

)

select * from measures
