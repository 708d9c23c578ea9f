-- How well are hosts' licences used?
-- One row per month and vendor, the newest first.
-- Read utilization: hosts that hosted in the month, of the roster and whoever hosted up to its end; without a roster
-- nobody who never hosted is known, so it looks better than it is.
-- Columns: month_start, vendor, active_hosts, known_hosts, utilization, meetings_per_active_host,
-- hours_per_active_host
with host_utilization as (

    select * from {{ ref('host_utilization') }}

)

select
    month_start,
    vendor,
    active_hosts,
    known_hosts,
    utilization,
    cast(meetings as double) / nullif(active_hosts, 0) as meetings_per_active_host,
    hosted_seconds / 3600.0 / nullif(active_hosts, 0) as hours_per_active_host
from host_utilization
order by month_start desc, vendor
