{% set built = as_built('marts', 'attendees') %}

with changed_meetings as (

    select meeting_key from {{ ref('int_changed_meetings') }}

),

identities as (

    select * from {{ ref('int_identities') }}

),

changes as (

    select changes.*
    from {{ ref('int_identity_changes') }} as changes
    where changes.batch > (
        select coalesce(max(builds.finished_batch), 0) from {{ ref('stg_pipeline__builds') }} as builds
    )

),

to_identify as (

    select meeting_key from changed_meetings

    {% if built %}
    -- another person, or inside in place of outside, by what other meetings told
    union

    select identities.meeting_key
    from identities
    inner join changes
        on
            changes.kind = 'person'
            and (identities.person_token = changes.name or identities.account_token = changes.name)

    union

    select identities.meeting_key
    from identities
    inner join changes
        on
            changes.kind = 'domain'
            and split_part(identities.email, '@', 2) = changes.name
    {% endif %}

)

select * from to_identify
