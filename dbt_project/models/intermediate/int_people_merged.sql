with identities as (

    select * from {{ ref('int_identities') }}

),

merged as (

    select * from {{ ref('int_identities_merged') }}

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

carried_together as (

    select
        smallest.person_token as token,
        accounts.person_token as other_token
    from accounts
    inner join smallest_of_account as smallest
        on accounts.account_token = smallest.account_token
    where smallest.person_token < accounts.person_token

    union

    select
        person_token as token,
        account_token as other_token
    from smallest_of_account
    where person_token < account_token

    union

    select
        smallest.person_token as token,
        carried.person_token as other_token
    from carried_by_merged_attendees as carried
    inner join smallest_carried as smallest
        on carried.attendee_token = smallest.attendee_token
    where smallest.person_token < carried.person_token

),

links as (

    select
        token as node,
        other_token as neighbour
    from carried_together

    union all

    select
        other_token as node,
        token as neighbour
    from carried_together

),

connected as (

    {{ smallest_connected('links') }}

),

merged_people as (

    select
        node as token,
        smallest_node as person_token
    from connected
    where smallest_node < node

)

select * from merged_people
