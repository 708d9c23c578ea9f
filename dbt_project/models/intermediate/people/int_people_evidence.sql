with people_links as (

    select * from {{ ref('int_people_links') }}

),

merged_people as (

    select * from {{ ref('int_people_merged') }}

),

-- most people are tied together by accounts alone, which needs no second walk
tied_by_more as (

    select distinct merged_people.person_token
    from people_links
    inner join merged_people
        on people_links.other_token = merged_people.token
    where people_links.evidence <> 'same account'

),

links_of_these as (

    select people_links.*
    from people_links
    inner join merged_people
        on people_links.other_token = merged_people.token
    inner join tied_by_more
        on merged_people.person_token = tied_by_more.person_token

),

account_links as (

    select
        token as node,
        other_token as neighbour
    from links_of_these
    where evidence = 'same account'

    union

    select
        other_token as node,
        token as neighbour
    from links_of_these
    where evidence = 'same account'

),

attendance_links as (

    select
        token as node,
        other_token as neighbour
    from links_of_these
    where evidence <> 'alias file'

    union

    select
        other_token as node,
        token as neighbour
    from links_of_these
    where evidence <> 'alias file'

),

connected_by_accounts as (

    {{ smallest_connected('account_links') }}

),

connected_by_attendance as (

    {{ smallest_connected('attendance_links') }}

),

evidence as (

    select
        merged_people.token,
        merged_people.person_token,
        case
            when tied_by_more.person_token is null then 'same account'
            when by_accounts.smallest_node = merged_people.person_token then 'same account'
            when by_attendance.smallest_node = merged_people.person_token then 'same attendee'
            else 'alias file'
        end as evidence
    from merged_people
    left join tied_by_more
        on merged_people.person_token = tied_by_more.person_token
    left join connected_by_accounts as by_accounts
        on merged_people.token = by_accounts.node
    left join connected_by_attendance as by_attendance
        on merged_people.token = by_attendance.node

)

select * from evidence
