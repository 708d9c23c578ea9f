with records as (

    select * from {{ ref('stg_teams__attendance_records') }}

),

unnested as (

    select
        vendor_meeting_id,
        record_key,
        account_id,
        tenant_id,
        registration_id,
        email,
        display_name,
        role,
        {{ unnest_list('attendance_intervals', 'attended', 'interval_number') }}
    from records

),

renamed as (

    select
        ---------- ids
        vendor_meeting_id,
        record_key,
        interval_number,
        account_id,
        tenant_id,
        registration_id,

        ---------- text
        'teams' as vendor,
        email,
        display_name,
        role,

        ---------- numbers
        cast(attended.duration_in_seconds as bigint) as vendor_duration_seconds,

        ---------- timestamps
        attended.join_date_time as joined_at,
        attended.leave_date_time as left_at
    from unnested

)

select * from renamed
