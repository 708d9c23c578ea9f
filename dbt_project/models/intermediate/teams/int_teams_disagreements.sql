with meetings as (

    select * from {{ ref('stg_teams__meetings') }}

),

keyed_meetings as (

    select * from {{ ref('int_meetings_unioned') }}
    where vendor = 'teams'

),

counted as (

    select * from {{ ref('int_teams_records_compared') }}

),

remarked as (

    select
        keyed_meetings.meeting_key,
        concat_ws(
            '; ',
            cast(counted.people_apart as string) || ' people whose intervals differ from their total',
            cast(counted.people_without_times as string) || ' people without times',
            case
                when meetings.found_by is null then 'only listed by its series'
                when meetings.found_by = 'calendar' then 'only listed by calendar'
            end,
            case
                when meetings.report_source = 'latest'
                    then 'from the latest-report call, which a later session overwrites'
            end
        ) as remark
    from keyed_meetings
    inner join meetings
        on keyed_meetings.vendor_meeting_id = meetings.vendor_meeting_id
    left join counted
        on meetings.vendor_meeting_id = counted.vendor_meeting_id

),

disagreements as (

    select * from remarked
    where remark <> ''

)

select * from disagreements
