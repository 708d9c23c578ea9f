-- a further vendor is one more line here
{% set vendors = [
    ref('stg_zoom__participants'),
    ref('int_webex_intervals'),
    ref('int_teams_intervals'),
] %}

with unioned as (

    {% for vendor_intervals in vendors %}
    select
        vendor,
        vendor_meeting_id,
        vendor_interval_id,
        account_id,
        registrant_id,
        participant_id,
        email,
        display_name,
        room,
        role,
        is_own_account,
        device,
        client,
        audio,
        joined_at,
        left_at
    from {{ vendor_intervals }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

),

meetings as (

    -- of the meetings at work alone
    select meetings.*
    from {{ ref('int_meetings_unioned') }} as meetings
    inner join {{ ref('int_changed_meetings') }} as changed
        on meetings.meeting_key = changed.meeting_key

),

normalised as (

    select
        vendor,
        vendor_meeting_id,
        vendor_interval_id,
        account_id,
        registrant_id,
        participant_id,
        nullif(lower(trim(email)), '') as email,
        nullif(trim(display_name), '') as display_name,
        nullif(lower(trim(display_name)), '') as folded_name,
        room,
        role,
        is_own_account,
        device,
        client,
        audio,
        joined_at,
        left_at
    from unioned

),

of_known_meetings as (

    select
        md5(meetings.meeting_key || '|' || normalised.vendor_interval_id) as interval_key,
        meetings.meeting_key,
        meetings.vendor,
        meetings.meeting_key || '|' || coalesce(
            'account:' || normalised.account_id,
            'email:' || normalised.email,
            'registrant:' || normalised.registrant_id,
            'name:' || normalised.folded_name,
            'unknown:' || coalesce(normalised.participant_id, normalised.vendor_interval_id)
        ) as identity_token,
        normalised.account_id,
        normalised.registrant_id,
        normalised.email,
        normalised.display_name,
        normalised.folded_name,
        normalised.room,
        normalised.role,
        normalised.is_own_account,
        normalised.device,
        normalised.client,
        normalised.audio,
        normalised.joined_at,
        normalised.left_at,
        {{ seconds_between('normalised.joined_at', 'normalised.left_at') }} as duration_seconds
    from normalised
    inner join meetings
        on
            normalised.vendor_meeting_id = meetings.vendor_meeting_id
            and normalised.vendor = meetings.vendor

)

select * from of_known_meetings
