-- How far can the numbers be trusted?
-- One row per vendor, over every date that is wanted.
-- Read coverage_share first: what isn't held is missing from every other answer. missing_meetings may still be had.
-- unexplained_numbers are differences from the vendor's own numbers for which the data gives no reason.
-- Columns: vendor, listed_meetings, coverage_share, missing_meetings, uncovered_dates, compared_numbers,
-- differing_numbers, unexplained_numbers
with coverage_days as (

    select * from {{ ref('coverage_days') }}

),

daily_reconciliation as (

    select * from {{ ref('daily_reconciliation') }}

),

covered as (

    select
        vendor,
        cast(sum(meetings) as bigint) as listed_meetings,
        cast(sum(held) as bigint) as held_meetings,
        cast(sum(missing) as bigint) as missing_meetings,
        count(*) filter (where status <> 'complete') as uncovered_dates
    from coverage_days
    group by vendor

),

reconciled as (

    select
        vendor,
        cast(sum(meetings) as bigint) as compared_numbers,
        cast(sum(differing_meetings) as bigint) as differing_numbers,
        cast(sum(unexplained_meetings) as bigint) as unexplained_numbers
    from daily_reconciliation
    group by vendor

)

select
    covered.vendor,
    covered.listed_meetings,
    cast(covered.held_meetings as double) / nullif(covered.listed_meetings, 0) as coverage_share,
    covered.missing_meetings,
    covered.uncovered_dates,
    coalesce(reconciled.compared_numbers, 0) as compared_numbers,
    coalesce(reconciled.differing_numbers, 0) as differing_numbers,
    coalesce(reconciled.unexplained_numbers, 0) as unexplained_numbers
from covered
left join reconciled
    on covered.vendor = reconciled.vendor
order by covered.vendor
