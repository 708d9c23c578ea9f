with dates as (

    select * from {{ ref('dates') }}

),

hours as (

    select {{ plus_seconds('cast(dates.date_day as timestamp)', '3600 * hours_of_day.number') }} as hour_start
    from dates
    cross join (
        values {% for number in range(24) %}({{ number }}){{ ', ' if not loop.last }}{% endfor %}
    ) as hours_of_day (number)

)

select * from hours
