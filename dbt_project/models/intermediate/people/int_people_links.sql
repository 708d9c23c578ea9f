with identities as (

    select * from {{ ref('int_identities') }}

),

merged as (

    select * from {{ ref('int_identities_merged') }}

),

aliases as (

    select * from {{ ref('stg_pipeline__aliases') }}

),

-- an account may be signed in with many addresses
accounts as (

    select distinct
        account_token,
        person_token
    from identities
    where account_token is not null

),

smallest_of_account as (

    select
        account_token,
        min(person_token) as person_token
    from accounts
    group by account_token

),

merged_attendees as (

    select
        identity_token,
        attendee_token
    from merged

    union

    select
        attendee_token as identity_token,
        attendee_token
    from merged

),

carried_by_merged_attendees as (

    select distinct
        merged_attendees.attendee_token,
        identities.person_token
    from identities
    inner join merged_attendees
        on identities.identity_token = merged_attendees.identity_token
    where identities.person_token is not null

),

smallest_carried as (

    select
        attendee_token,
        min(person_token) as person_token
    from carried_by_merged_attendees
    group by attendee_token

),

links as (

    select
        smallest.person_token as token,
        accounts.person_token as other_token,
        'same account' as evidence
    from accounts
    inner join smallest_of_account as smallest
        on accounts.account_token = smallest.account_token
    where smallest.person_token < accounts.person_token

    union

    select
        person_token as token,
        account_token as other_token,
        'same account' as evidence
    from smallest_of_account
    where person_token < account_token

    union

    select
        smallest.person_token as token,
        carried.person_token as other_token,
        'same attendee' as evidence
    from carried_by_merged_attendees as carried
    inner join smallest_carried as smallest
        on carried.attendee_token = smallest.attendee_token
    where smallest.person_token < carried.person_token

    union

    select
        least(token, same_token) as token,
        greatest(token, same_token) as other_token,
        'alias file' as evidence
    from aliases
    where token <> same_token

)

select * from links
