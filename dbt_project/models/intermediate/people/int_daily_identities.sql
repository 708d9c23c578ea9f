{{ config(materialized=by_changes(), incremental_strategy='replace_ended_dates') }}

with identities as (

    select * from {{ ref('int_identities') }}

),

merged as (

    select * from {{ ref('int_identities_merged') }}

),

attendees as (

    select * from {{ ref('attendees') }}
    where {{ is_changed('ended_date', 'int_changed_dates') }}

),

of_attendees as (

    select
        attendees.ended_date,
        attendees.vendor,
        identities.meeting_key,
        identities.email,
        identities.account_token
    from identities
    left join merged
        on identities.identity_token = merged.identity_token
    inner join attendees
        on md5(coalesce(merged.attendee_token, identities.identity_token)) = attendees.attendee_key

),

carried as (

    select
        ended_date,
        vendor,
        meeting_key,
        'email' as kind,
        email as identity,
        'email:' || email as token
    from of_attendees
    where email is not null

    union all

    select
        ended_date,
        vendor,
        meeting_key,
        'account' as kind,
        substr(account_token, length(vendor) + 2) as identity,
        account_token as token
    from of_attendees
    where account_token is not null

),

totals as (

    select
        ended_date,
        vendor,
        kind,
        identity,
        token,
        count(distinct meeting_key) as meetings
    from carried
    group by ended_date, vendor, kind, identity, token

)

select * from totals
