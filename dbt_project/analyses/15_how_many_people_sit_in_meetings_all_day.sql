-- How many people sit in meetings all day? For HR: numbers of people, no names.
-- One row per band of hours that a person spent in meetings on an average date with any, over the latest thirty dates.
-- Read share_of_people, over identified people; people of the last band have five hours of meetings on such a
-- date. A band without people has no row.
-- Columns: hours_band, people, share_of_people
with person_load as (

    select * from {{ ref('person_load') }}

),

latest as (

    select cast(max(activity_date) - interval 30 day as date) as before_date
    from person_load

),

people as (

    select
        person_load.person_key,
        sum(person_load.present_seconds) / 3600.0 / count(*) as hours_per_day
    from person_load
    inner join latest
        on person_load.activity_date > latest.before_date
    group by person_load.person_key

),

banded as (

    select
        case
            when hours_per_day < 1 then '0-1 h'
            when hours_per_day < 3 then '1-3 h'
            when hours_per_day < 5 then '3-5 h'
            else '5+ h'
        end as hours_band
    from people

)

select
    hours_band,
    count(*) as people,
    cast(count(*) as double) / sum(count(*)) over () as share_of_people
from banded
group by hours_band
order by hours_band
