with meetings as (

    select * from {{ ref('stg_webex__meetings') }}

),

attendees as (

    select * from {{ ref('stg_webex__attendees') }}

),

participants as (

    select * from {{ ref('stg_webex__participants') }}

),

devices as (

    select * from {{ ref('stg_webex__devices') }}

),

readings as (

    select * from {{ ref('int_readings_unioned') }}
    where vendor = 'webex'

),

merged_readings as (

    select * from {{ ref('int_readings_merged') }}
    where vendor = 'webex'

),

of_two_held_reports as (

    select
        meeting_key,
        vendor_meeting_id
    from readings
    where status in ('complete', 'partial')
    group by meeting_key, vendor_meeting_id
    having count(*) = 2

),

first_joins as (

    select
        vendor_meeting_id,
        participant_id,
        min(joined_at) as joined_at
    from devices
    group by vendor_meeting_id, participant_id

),

named as (

    select
        vendor_meeting_id,
        known_as,
        true as is_attendee,
        false as is_participant
    from attendees
    where
        joined_at is not null
        and known_as is not null

    union all

    select
        participants.vendor_meeting_id,
        participants.known_as,
        false as is_attendee,
        true as is_participant
    from participants
    left join first_joins
        on
            participants.vendor_meeting_id = first_joins.vendor_meeting_id
            and participants.participant_id = first_joins.participant_id
    where
        coalesce(participants.joined_at, first_joins.joined_at) is not null
        and participants.room <> 'waiting'
        and participants.known_as is not null

),

people as (

    select
        vendor_meeting_id,
        known_as,
        bool_or(is_attendee) as is_attendee,
        bool_or(is_participant) as is_participant
    from named
    group by vendor_meeting_id, known_as

),

counted as (

    select
        of_two_held_reports.meeting_key,
        count(*) filter (where people.is_attendee) as attendees,
        count(*) filter (where people.is_participant) as participants
    from people
    inner join of_two_held_reports
        on people.vendor_meeting_id = of_two_held_reports.vendor_meeting_id
    group by of_two_held_reports.meeting_key
    having count(*) filter (where people.is_attendee and people.is_participant) < count(*)

),

reports_apart as (

    select
        meeting_key,
        case
            when attendees = participants
                then 'attendees and participants name different people (' || cast(attendees as string) || ')'
            else
                'attendees names ' || cast(attendees as string)
                || ' people, participants ' || cast(participants as string)
        end as remark
    from counted

),

-- the usage list is a day late, so one list alone says nothing before that
lists_apart as (

    select
        merged_readings.meeting_key,
        'only listed by ' || meetings.found_by as remark
    from meetings
    inner join merged_readings
        on meetings.vendor_meeting_id = merged_readings.vendor_meeting_id
    where
        merged_readings.settled
        and meetings.found_by in ('meetings', 'usage')

),

disagreements as (

    select
        coalesce(reports_apart.meeting_key, lists_apart.meeting_key) as meeting_key,
        concat_ws('; ', reports_apart.remark, lists_apart.remark) as remark
    from reports_apart
    full outer join lists_apart
        on reports_apart.meeting_key = lists_apart.meeting_key

)

select * from disagreements
