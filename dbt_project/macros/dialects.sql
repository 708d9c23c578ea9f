{#-
    Everything that DuckDB and Spark write differently, and nothing else.
    A further engine adds its own <adapter>__ variants here.
-#}


{#- Whole seconds from one timestamp to another, both cut to the second, so that parts always add up to wholes. -#}
{% macro seconds_between(earlier, later) -%}
    {{ return(adapter.dispatch('seconds_between', 'attendance')(earlier, later)) }}
{%- endmacro %}

{% macro default__seconds_between(earlier, later) -%}
    (unix_seconds({{ later }}) - unix_seconds({{ earlier }}))
{%- endmacro %}

{% macro duckdb__seconds_between(earlier, later) -%}
    date_diff('second', {{ earlier }}, {{ later }})
{%- endmacro %}


{#- A timestamp so many seconds later. -#}
{% macro plus_seconds(moment, seconds) -%}
    {{ return(adapter.dispatch('plus_seconds', 'attendance')(moment, seconds)) }}
{%- endmacro %}

{% macro default__plus_seconds(moment, seconds) -%}
    timestampadd(second, {{ seconds }}, {{ moment }})
{%- endmacro %}

{% macro duckdb__plus_seconds(moment, seconds) -%}
    {{ moment }} + to_seconds({{ seconds }})
{%- endmacro %}


{#- The present instant as a timestamp without a zone, UTC, in whatever zone the session is. -#}
{% macro utc_now() -%}
    {{ return(adapter.dispatch('utc_now', 'attendance')()) }}
{%- endmacro %}

{% macro default__utc_now() -%}
    to_utc_timestamp(current_timestamp(), current_timezone())
{%- endmacro %}

{#- Needs no time zone database, which a client may lack. -#}
{% macro duckdb__utc_now() -%}
    make_timestamp(epoch_us(now()))
{%- endmacro %}


{#- In a SELECT: a row for each date from one to another, both included; the first is never after the last. -#}
{% macro each_date(first, last) -%}
    {{ return(adapter.dispatch('each_date', 'attendance')(first, last)) }}
{%- endmacro %}

{% macro default__each_date(first, last) -%}
    explode(sequence({{ first }}, {{ last }}, interval 1 day))
{%- endmacro %}

{% macro duckdb__each_date(first, last) -%}
    cast(unnest(generate_series({{ first }}, {{ last }}, interval 1 day)) as date)
{%- endmacro %}


{#- The distinct values of a group as one text, sorted; null where there are none. -#}
{% macro distinct_values_as_text(expression, separator=',') -%}
    {{ return(adapter.dispatch('distinct_values_as_text', 'attendance')(expression, separator)) }}
{%- endmacro %}

{% macro default__distinct_values_as_text(expression, separator) -%}
    nullif(array_join(array_sort(collect_set({{ expression }})), '{{ separator }}'), '')
{%- endmacro %}

{% macro duckdb__distinct_values_as_text(expression, separator) -%}
    string_agg(distinct {{ expression }}, '{{ separator }}' order by {{ expression }})
{%- endmacro %}


{#- In a SELECT: a row for each entry of a list, and its place in it; rows whose list is empty or null have none. -#}
{% macro unnest_list(list, entry, number) -%}
    {{ return(adapter.dispatch('unnest_list', 'attendance')(list, entry, number)) }}
{%- endmacro %}

{#- posexplode counts from 0. -#}
{% macro default__unnest_list(list, entry, number) -%}
    inline(transform({{ list }}, (element, place) -> struct(place + 1, element))) as ({{ number }}, {{ entry }})
{%- endmacro %}

{#- `with ordinality` says the same and takes fifty times as long. -#}
{% macro duckdb__unnest_list(list, entry, number) -%}
    unnest({{ list }}) as {{ entry }}, generate_subscripts({{ list }}, 1) as {{ number }}
{%- endmacro %}


{#-
    One row per node of a graph: the node and the smallest node it is connected to, over chains of any length.
    `links` names a CTE of (node, neighbour) that holds every link in both directions.
    Nodes are walked from smaller to larger only, so a hub costs one row for each of its neighbours as long as it is
    smaller than they are: link what shares something to the smallest that shares it.
    Spark 4 has no deduplicating recursion and needs a variant of its own.
-#}
{% macro smallest_connected(links) -%}
    {{ return(adapter.dispatch('smallest_connected', 'attendance')(links)) }}
{%- endmacro %}

{% macro default__smallest_connected(links) -%}
    with recursive reached as (

        select distinct
            node as start_node,
            node
        from {{ links }}

        union

        select
            reached.start_node,
            linked.neighbour as node
        from reached
        inner join {{ links }} as linked
            on reached.node = linked.node
        where reached.start_node < linked.neighbour

    )

    select
        node,
        min(start_node) as smallest_node
    from reached
    group by node
{%- endmacro %}


{#- In a SELECT: a row for each whole number from one to another, both included; the first is never after the last. -#}
{% macro each_number(first, last) -%}
    {{ return(adapter.dispatch('each_number', 'attendance')(first, last)) }}
{%- endmacro %}

{% macro default__each_number(first, last) -%}
    explode(sequence({{ first }}, {{ last }}))
{%- endmacro %}

{% macro duckdb__each_number(first, last) -%}
    unnest(generate_series({{ first }}, {{ last }}))
{%- endmacro %}


{#- In a SELECT: a row for the first day of each month from one such day to another, both included. -#}
{% macro each_month(first, last) -%}
    {{ return(adapter.dispatch('each_month', 'attendance')(first, last)) }}
{%- endmacro %}

{% macro default__each_month(first, last) -%}
    explode(sequence({{ first }}, {{ last }}, interval 1 month))
{%- endmacro %}

{% macro duckdb__each_month(first, last) -%}
    cast(unnest(generate_series({{ first }}, {{ last }}, interval 1 month)) as date)
{%- endmacro %}


{#- What the clocks in the variable time_zone show at a UTC timestamp; the zones are known where it's built. -#}
{% macro local_time(moment) -%}
    {{ return(adapter.dispatch('local_time', 'attendance')(moment)) }}
{%- endmacro %}

{% macro default__local_time(moment) -%}
    from_utc_timestamp({{ moment }}, '{{ var("time_zone") }}')
{%- endmacro %}

{% macro duckdb__local_time(moment) -%}
    timezone('{{ var("time_zone") }}', timezone('UTC', {{ moment }}))
{%- endmacro %}


{#- The day of the week of a date or timestamp, from 1 for Monday to 7 for Sunday. -#}
{% macro weekday_of(moment) -%}
    {{ return(adapter.dispatch('weekday_of', 'attendance')(moment)) }}
{%- endmacro %}

{% macro default__weekday_of(moment) -%}
    weekday({{ moment }}) + 1
{%- endmacro %}

{% macro duckdb__weekday_of(moment) -%}
    isodow({{ moment }})
{%- endmacro %}


{#- Days from one date to another. -#}
{% macro days_between(earlier, later) -%}
    {{ return(adapter.dispatch('days_between', 'attendance')(earlier, later)) }}
{%- endmacro %}

{% macro default__days_between(earlier, later) -%}
    cast(datediff({{ later }}, {{ earlier }}) as bigint)
{%- endmacro %}

{% macro duckdb__days_between(earlier, later) -%}
    date_diff('day', {{ earlier }}, {{ later }})
{%- endmacro %}
