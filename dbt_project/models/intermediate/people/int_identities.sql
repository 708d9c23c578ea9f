{{ config(materialized=by_changes(), incremental_strategy='replace_meetings') }}

with intervals as (

    select * from {{ ref('int_intervals_unioned') }}

),

distinct_identities as (

    select distinct
        meeting_key,
        identity_token,
        vendor,
        account_id,
        registrant_id,
        email,
        folded_name,
        role,
        is_own_account
    from intervals

),

identities as (

    select
        meeting_key,
        identity_token,
        registrant_id,
        email,
        folded_name,
        vendor || ':' || account_id as account_token,
        -- 'email:' sorts before every vendor's name, so an address wins over an account
        coalesce('email:' || email, vendor || ':' || account_id) as person_token,
        role,
        is_own_account,
        coalesce(account_id, email, registrant_id) is not null as is_identified
    from distinct_identities

)

select * from identities
