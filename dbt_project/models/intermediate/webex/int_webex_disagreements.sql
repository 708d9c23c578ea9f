with meetings as (

    select * from {{ ref('stg_webex__meetings') }}

),

compared as (

    select * from {{ ref('int_webex_reports_compared') }}

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

counted as (

    select
        of_two_held_reports.meeting_key,
        compared.attendees,
        compared.participants
    from compared
    inner join of_two_held_reports
        on compared.vendor_meeting_id = of_two_held_reports.vendor_meeting_id
    where compared.people_of_both < compared.people

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
