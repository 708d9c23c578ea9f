with readings as (

    select * from {{ ref('int_readings_unioned') }}

),

explained as (

    select
        *,
        case
            when status <> 'complete' or reason <> ''
                then report || ': ' || status || coalesce(' (' || reason || ')', '')
        end as explanation
    from readings

),

gathered as (

    select
        meeting_key,
        vendor,
        vendor_meeting_id,
        min(ended_date) as ended_date,
        max(found_by) as found_by,
        count(*) as reports,
        min(status) filter (where is_attendance) as first_status,
        max(status) filter (where is_attendance) as last_status,
        bool_and(status = 'complete') as is_complete,
        bool_or(status in ('complete', 'partial')) filter (where is_attendance) as is_held,
        bool_or(status = 'not_ready') filter (where is_attendance) as is_not_ready,
        bool_or(status = 'denied') filter (where is_attendance) as is_denied,
        bool_or(status = 'blocked') filter (where is_attendance) as is_blocked,
        min(reason) as only_reason,
        {{ distinct_values_as_text('explanation', '; ') }} as explanations,
        max(vendor_count) filter (where is_attendance) as vendor_count,
        max(held_count) filter (where is_attendance) as held_count,
        bool_and(settled) as settled,
        case when count(read_at) = count(*) then min(read_at) end as read_at,
        min(due_at) as due_at,
        min(recoverable_until) as recoverable_until
    from explained
    group by meeting_key, vendor, vendor_meeting_id
    -- who only registered says nothing of who came
    having bool_or(is_attendance)

),

merged as (

    select
        meeting_key,
        vendor,
        vendor_meeting_id,
        ended_date,
        -- what may still come wins over what never will
        case
            when first_status = last_status and (first_status <> 'complete' or is_complete) then first_status
            when is_held then 'partial'
            when is_not_ready then 'not_ready'
            when is_denied then 'denied'
            when is_blocked then 'blocked'
            else 'gone'
        end as status,
        case when reports = 1 then only_reason else explanations end as reason,
        found_by,
        vendor_count,
        held_count,
        settled,
        read_at,
        due_at,
        recoverable_until
    from gathered

)

select * from merged
