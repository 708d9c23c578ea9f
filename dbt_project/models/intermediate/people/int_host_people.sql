with meetings as (

    select * from {{ ref('int_meetings_unioned') }}

),

roster as (

    select * from {{ ref('stg_pipeline__roster') }}

),

merged_people as (

    select * from {{ ref('int_people_merged') }}

),

hosts as (

    select host_email
    from meetings
    where host_email is not null

    union

    select host_email
    from roster

),

keyed as (

    select
        hosts.host_email,
        md5(coalesce(merged_people.person_token, 'email:' || hosts.host_email)) as host_person_key
    from hosts
    left join merged_people
        on 'email:' || hosts.host_email = merged_people.token

)

select * from keyed
