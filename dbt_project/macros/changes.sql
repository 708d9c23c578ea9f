{#-
    Models that rebuild only what changed. What changed is said by the loader's batches, never by the dates of events:
    int_changed_meetings, int_meetings_to_identify, int_changed_people and int_changed_dates carry it down the graph.
-#}


{#- How a model is kept that can rebuild only what changed; other engines than DuckDB build it whole. -#}
{% macro by_changes() -%}
    {{ return('incremental' if target.type == 'duckdb' else 'table') }}
{%- endmacro %}


{#- The table as the last build left it, before this build replaces it; none where everything is built anew. -#}
{% macro as_built(schema, name) -%}
    {% if execute and by_changes() == 'incremental' and not flags.FULL_REFRESH -%}
        {{ return(adapter.get_relation(database=target.database, schema=schema, identifier=name)) }}
    {%- endif %}
    {{ return(none) }}
{%- endmacro %}


{#- A condition on rows that are made anew in this build; true for every row of a whole build. -#}
{% macro is_changed(column, changes) -%}
    {%- set changed = ref(changes) -%}
    {%- set name = column.split('.')[-1] -%}
    {%- set key = 'activity_date' if name == 'ended_date' else name -%}
    {#- a unit test has no table of before -#}
    {%- if this and is_incremental() -%}
        {{ column }} in (select changed.{{ key }} from {{ changed }} as changed)
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}


{#- A condition on vendors' rows of meetings that are made anew in this build, for models that hold no others. -#}
{% macro is_at_work() -%}
    vendor_meeting_id in (select changed.vendor_meeting_id from {{ ref('int_changed_meetings') }} as changed)
{%- endmacro %}


{#- Each row of a vendor that tells of a meeting: which, and the partition in which it stands. -#}
{% macro told_of_meetings() -%}
    {#- a further table that tells of meetings is one more line here -#}
    {%- set tables = [
        ref('stg_zoom__meetings'),
        ref('stg_zoom__participants'),
        ref('stg_webex__meetings'),
        ref('stg_webex__attendees'),
        ref('stg_webex__participants'),
        ref('stg_teams__meetings'),
        ref('stg_teams__attendance_records'),
        ref('stg_teams__attendee_events'),
        ref('stg_teams__registrations'),
    ] -%}
    {%- for table in tables -%}
    select
        vendor,
        vendor_meeting_id,
        ended_date
    from {{ table }}

    union all

    {% endfor -%}
    select
        vendor,
        report_id as vendor_meeting_id,
        ended_date
    from {{ ref('stg_teams__routes') }}
    where report_id is not null
{%- endmacro %}


{#- Incremental strategies: take away every row of what changed, also where no row comes in its place. -#}
{% macro replace_changed(arguments, column, changes, key=none) -%}
    {#- by name: every such model depends on these changes by what it selects from -#}
    {%- set changed = adapter.get_relation(target.database, 'intermediate', changes) -%}
    {%- set columns = get_quoted_csv(arguments['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arguments['target_relation'] }}
    where {{ column }} in (select changed.{{ key or column }} from {{ changed }} as changed);

    insert into {{ arguments['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arguments['temp_relation'] }}
    where {{ column }} in (select changed.{{ key or column }} from {{ changed }} as changed)
{%- endmacro %}

{% macro get_incremental_replace_meetings_sql(arguments) -%}
    {{ replace_changed(arguments, 'meeting_key', 'int_changed_meetings') }}
{%- endmacro %}

{% macro get_incremental_replace_identified_sql(arguments) -%}
    {{ replace_changed(arguments, 'meeting_key', 'int_meetings_to_identify') }}
{%- endmacro %}

{% macro get_incremental_replace_people_sql(arguments) -%}
    {{ replace_changed(arguments, 'person_key', 'int_changed_people') }}
{%- endmacro %}

{% macro get_incremental_replace_ended_dates_sql(arguments) -%}
    {{ replace_changed(arguments, 'ended_date', 'int_changed_dates', 'activity_date') }}
{%- endmacro %}

{% macro get_incremental_replace_activity_dates_sql(arguments) -%}
    {{ replace_changed(arguments, 'activity_date', 'int_changed_dates') }}
{%- endmacro %}


{#- A part of the models built whole would be made of the meetings of the last build alone. -#}
{% macro refuse_a_full_refresh_of_a_part() -%}
    {% if execute and flags.FULL_REFRESH %}
        {% set tables = graph.nodes.values()
            | selectattr('resource_type', 'equalto', 'model')
            | rejectattr('config.materialized', 'equalto', 'view') %}
        {% if tables | map(attribute='unique_id') | reject('in', selected_resources) | list %}
            {{ exceptions.raise_compiler_error('a full refresh rebuilds every model: leave out --select, or --full-refresh') }}
        {% endif %}
    {% endif %}
{%- endmacro %}
