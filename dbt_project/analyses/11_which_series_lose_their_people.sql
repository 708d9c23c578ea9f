-- Which series lose their people?
-- One row per recurring series with at least three occurrences, who keeps the least first; twenty of them.
-- Read return_share: of the people of an occurrence, how many came to the next, over all its occurrences. Next to it
-- the attendees of the first and of the latest occurrence.
-- Columns: vendor, series_id, occurrences, first_attendees, latest_attendees, return_share
with series_occurrences as (

    select * from {{ ref('series_occurrences') }}

),

summed as (

    select
        vendor,
        series_id,
        count(*) as occurrences,
        max(occurrence_number) as latest_number,
        cast(sum(returning_people) as bigint) as returning_people,
        cast(sum(previous_attendees) as bigint) as previous_attendees
    from series_occurrences
    group by vendor, series_id
    having count(*) >= 3

)

select
    summed.vendor,
    summed.series_id,
    summed.occurrences,
    firsts.attendees as first_attendees,
    latest.attendees as latest_attendees,
    cast(summed.returning_people as double) / summed.previous_attendees as return_share
from summed
inner join series_occurrences as firsts
    on
        summed.vendor = firsts.vendor
        and summed.series_id = firsts.series_id
        and firsts.occurrence_number = 1
inner join series_occurrences as latest
    on
        summed.vendor = latest.vendor
        and summed.series_id = latest.series_id
        and summed.latest_number = latest.occurrence_number
where summed.previous_attendees > 0
order by return_share, summed.vendor, summed.series_id
limit 20
