with meetings as (

    select * from {{ ref('stg_teams__meetings') }}

),

intervals as (

    select * from {{ ref('stg_teams__intervals') }}
    -- of the meetings at work alone
    where {{ is_at_work() }}

),

registrations as (

    select * from {{ ref('stg_teams__registrations') }}

),

completed as (

    select
        intervals.vendor_meeting_id,
        intervals.record_key,
        intervals.account_id,
        intervals.registration_id,
        coalesce(intervals.email, registrations.email) as email,
        intervals.display_name,
        intervals.role,
        intervals.tenant_id = meetings.organizer_tenant_id as is_own_account,
        coalesce(
            intervals.joined_at, {{ plus_seconds('intervals.left_at', '-intervals.vendor_duration_seconds') }}
        ) as joined_at,
        coalesce(
            intervals.left_at,
            {{ plus_seconds('intervals.joined_at', 'intervals.vendor_duration_seconds') }},
            -- a join may be told a moment after the end
            greatest(intervals.joined_at, meetings.ended_at)
        ) as left_at
    from intervals
    inner join meetings
        on intervals.vendor_meeting_id = meetings.vendor_meeting_id
    left join registrations
        on
            intervals.vendor_meeting_id = registrations.vendor_meeting_id
            and intervals.registration_id = registrations.registration_id

),

timed as (

    select * from completed
    where joined_at <= left_at

)

select * from timed
