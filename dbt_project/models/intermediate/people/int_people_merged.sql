with people_links as (

    select * from {{ ref('int_people_links') }}

),

links as (

    select
        token as node,
        other_token as neighbour
    from people_links

    union

    select
        other_token as node,
        token as neighbour
    from people_links

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
