{% set before = as_built('intermediate', 'int_identity_changes') %}

with merged_people as (

    select * from {{ ref('int_people_merged') }}

),

own_domains as (

    select * from {{ ref('int_own_domains') }}

),

batches as (

    select coalesce(max(batch), 0) as batch
    from {{ ref('stg_pipeline__loads') }}

),

known as (

    select
        'person' as kind,
        token as name,
        person_token as value
    from merged_people

    union all

    select
        'domain' as kind,
        email_domain as name,
        email_domain as value
    from own_domains

),

{% if before %}
compared as (

    select
        coalesce(known.kind, before.kind) as kind,
        coalesce(known.name, before.name) as name,
        known.value,
        -- what was known and isn't any more stays as a row without a value
        case
            when before.name is not null and known.value is not distinct from before.value then before.batch
            else batches.batch
        end as batch
    from known
    full outer join {{ before }} as before
        on known.kind = before.kind and known.name = before.name
    cross join batches

)
{% else %}
compared as (

    select
        known.*,
        batches.batch
    from known
    cross join batches

)
{% endif %}

select * from compared
