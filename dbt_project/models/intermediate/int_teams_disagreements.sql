with meetings as (

    select * from {{ ref('stg_teams__meetings') }}

),

keyed_meetings as (

    select * from {{ ref('int_meetings_unioned') }}
    where vendor = 'teams'

),

records as (

    select * from {{ ref('stg_teams__attendance_records') }}

),

intervals as (

    select * from {{ ref('int_teams_record_intervals') }}

),

held as (

    select
        record_key,
        count(*) as intervals,
        sum({{ seconds_between('joined_at', 'left_at') }}) as held_seconds
    from intervals
    group by record_key

),

-- records alike in all but their times share a key
told as (

    select
        vendor_meeting_id,
        record_key,
        count(*) as people,
        sum(vendor_attended_seconds) as told_seconds
    from records
    group by vendor_meeting_id, record_key

),

counted as (

    select
        told.vendor_meeting_id,
        -- each interval may be off by the second that it was cut to
        sum(told.people) filter (
            where abs(told.told_seconds - held.held_seconds) > held.intervals
        ) as people_apart,
        sum(told.people) filter (where held.record_key is null) as people_without_times
    from told
    left join held
        on told.record_key = held.record_key
    group by told.vendor_meeting_id

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
