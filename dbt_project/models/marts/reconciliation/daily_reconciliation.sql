with reconciliation as (

    select * from {{ ref('reconciliation') }}

),

daily as (

    select
        ended_date,
        vendor,
        measure,
        count(*) as meetings,
        -- sums of fractions end alike in whatever order they are taken
        round(sum(ours), 6) as ours,
        round(sum(vendors), 6) as vendors,
        round(sum(difference), 6) as difference,
        count(*) filter (where reason is not null) as differing_meetings,
        count(*) filter (where not is_explained) as unexplained_meetings,
        {{ distinct_values_as_text('reason', ', ') }} as reasons
    from reconciliation
    group by ended_date, vendor, measure

)

select * from daily
