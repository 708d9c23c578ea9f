with daily_identities as (

    select * from {{ ref('int_daily_identities') }}

),

people_evidence as (

    select * from {{ ref('int_people_evidence') }}

),

totals as (

    select
        token,
        vendor,
        kind,
        identity,
        min(ended_date) as first_seen_date,
        max(ended_date) as last_seen_date,
        cast(sum(meetings) as bigint) as meetings
    from daily_identities
    group by token, vendor, kind, identity

),

tied as (

    select
        md5(coalesce(people_evidence.person_token, totals.token)) as person_key,
        totals.vendor,
        totals.kind,
        totals.identity,
        coalesce(people_evidence.evidence, 'own') as evidence,
        totals.first_seen_date,
        totals.last_seen_date,
        totals.meetings
    from totals
    left join people_evidence
        on totals.token = people_evidence.token

)

select * from tied
