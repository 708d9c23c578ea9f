with readings as (

    select * from {{ ref('int_readings_unioned') }}

),

explained as (

    select
        *,
        case
            when status <> 'complete'
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
        count(*) as reports,
        min(status) as first_status,
        max(status) as last_status,
        bool_or(status in ('complete', 'partial')) as is_held,
        bool_or(status = 'not_ready') as is_not_ready,
        bool_or(status = 'denied') as is_denied,
        bool_or(status = 'blocked') as is_blocked,
        min(reason) as only_reason,
        {{ distinct_values_as_text('explanation', '; ') }} as explanations,
        max(vendor_count) as vendor_count,
        max(held_count) as held_count,
        bool_and(settled) as settled,
        case when count(read_at) = count(*) then min(read_at) end as read_at,
        min(recoverable_until) as recoverable_until
    from explained
    group by meeting_key, vendor, vendor_meeting_id

),

merged as (

    select
        meeting_key,
        vendor,
        vendor_meeting_id,
        ended_date,
        -- what may still come wins over what never will
        case
            when first_status = last_status then first_status
            when is_held then 'partial'
            when is_not_ready then 'not_ready'
            when is_denied then 'denied'
            when is_blocked then 'blocked'
            else 'gone'
        end as status,
        case when reports = 1 then only_reason else explanations end as reason,
        vendor_count,
        held_count,
        settled,
        read_at,
        recoverable_until
    from gathered

)

select * from merged
