{{ config(materialized=by_changes(), incremental_strategy='replace_meetings') }}

with identities as (

    select * from {{ ref('int_identities') }}
    where {{ is_changed('meeting_key', 'int_changed_meetings') }}

),

identified as (

    select * from identities
    where is_identified

),

-- an account id is always its row's own token, so only the other two can join different tokens; counting comes first,
-- as comparing the tokens of all takes twice as long as comparing those of the few that come again
{% set shared_ids = ['email', 'registrant_id'] %}
{% for shared_id in shared_ids %}
repeated_{{ shared_id }} as (

    select
        meeting_key,
        {{ shared_id }}
    from identified
    where {{ shared_id }} is not null
    group by meeting_key, {{ shared_id }}
    having count(*) > 1

),

several_tokens_of_{{ shared_id }} as (

    select
        identified.meeting_key,
        identified.{{ shared_id }},
        min(identified.identity_token) as smallest_token
    from identified
    inner join repeated_{{ shared_id }} as repeated
        on
            identified.meeting_key = repeated.meeting_key
            and identified.{{ shared_id }} = repeated.{{ shared_id }}
    group by identified.meeting_key, identified.{{ shared_id }}
    having min(identified.identity_token) < max(identified.identity_token)

),

{% endfor %}
links_to_the_smallest as (

    {% for shared_id in shared_ids %}
    select
        shared.smallest_token,
        identified.identity_token
    from several_tokens_of_{{ shared_id }} as shared
    inner join identified
        on
            shared.meeting_key = identified.meeting_key
            and shared.{{ shared_id }} = identified.{{ shared_id }}
    where shared.smallest_token < identified.identity_token
    {% if not loop.last %}union{% endif %}
    {% endfor %}

),

links as (

    select
        smallest_token as node,
        identity_token as neighbour
    from links_to_the_smallest

    union all

    select
        identity_token as node,
        smallest_token as neighbour
    from links_to_the_smallest

),

connected as (

    {{ smallest_connected('links') }}

),

merged_by_id as (

    select
        node as identity_token,
        smallest_node as attendee_token
    from connected
    where smallest_node < node

),

names_only as (

    select
        meeting_key,
        folded_name,
        identity_token
    from identities
    where
        not is_identified
        and folded_name is not null

),

bearers_of_names as (

    select
        names_only.identity_token,
        coalesce(merged_by_id.attendee_token, identified.identity_token) as attendee_token
    from names_only
    inner join identified
        on
            names_only.meeting_key = identified.meeting_key
            and names_only.folded_name = identified.folded_name
    left join merged_by_id
        on identified.identity_token = merged_by_id.identity_token

),

merged_by_name as (

    select
        identity_token,
        min(attendee_token) as attendee_token
    from bearers_of_names
    group by identity_token
    having min(attendee_token) = max(attendee_token)

),

merged as (

    select * from merged_by_id

    union all

    select * from merged_by_name

),

keyed as (

    select distinct
        merged.identity_token,
        merged.attendee_token,
        identities.meeting_key
    from merged
    inner join identities
        on merged.identity_token = identities.identity_token

)

select * from keyed
