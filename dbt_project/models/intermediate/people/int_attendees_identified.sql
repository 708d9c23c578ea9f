{{ config(materialized=by_changes(), incremental_strategy='replace_identified') }}

with identities as (

    select * from {{ ref('int_identities') }}
    where {{ is_changed('meeting_key', 'int_meetings_to_identify') }}

),

merged as (

    select * from {{ ref('int_identities_merged') }}

),

meetings as (

    select * from {{ ref('int_meetings_unioned') }}

),

own_domains as (

    select * from {{ ref('int_own_domains') }}

),

judged as (

    select
        coalesce(merged.attendee_token, identities.identity_token) as attendee_token,
        identities.meeting_key,
        identities.email,
        identities.person_token,
        case when identities.email = meetings.host_email then 'host' else identities.role end as role,
        case
            when identities.email like '%@%' then own_domains.email_domain is null
        end as is_external_by_email,
        not identities.is_own_account as is_external_by_account
    from identities
    left join merged
        on identities.identity_token = merged.identity_token
    inner join meetings
        on identities.meeting_key = meetings.meeting_key
    left join own_domains
        on split_part(identities.email, '@', 2) = own_domains.email_domain

),

identified as (

    select
        md5(attendee_token) as attendee_key,
        meeting_key,
        min(email) as email,
        min(person_token) as person_token,
        case
            when bool_or(role = 'host') then 'host'
            when bool_or(role = 'co_host') then 'co_host'
            when bool_or(role = 'presenter') then 'presenter'
            when bool_or(role = 'panelist') then 'panelist'
            else 'attendee'
        end as role,
        -- one address, else account, of our own is enough to be one of us
        coalesce(bool_and(is_external_by_email), bool_and(is_external_by_account)) as is_external
    from judged
    group by attendee_token, meeting_key

)

select * from identified
