-- What do people join with?
-- One row per vendor, property (device, client or audio) and value, the most frequent first.
-- Read share_of_joins, within the vendor and property. A null value is what the vendor doesn't tell.
-- Columns: vendor, property, value, joins, share_of_joins
with daily_devices as (

    select * from {{ ref('daily_devices') }}

),

totals as (

    select
        vendor,
        property,
        value,
        cast(sum(joins) as bigint) as joins
    from daily_devices
    group by vendor, property, value

)

select
    vendor,
    property,
    value,
    joins,
    cast(joins as double) / sum(joins) over (partition by vendor, property) as share_of_joins
from totals
order by vendor, property, joins desc, value nulls last
