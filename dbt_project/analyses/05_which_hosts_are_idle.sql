-- Which hosts could give their licence back?
-- One row per vendor and host without a meeting in the 90 days before the load, who hosted least recently first.
-- Read is_on_roster: true is a licence that lies idle, null a vendor whose licences nobody told us. Check coverage
-- (question 20) before taking a licence away: a meeting that isn't held is not a meeting that wasn't.
-- Columns: vendor, host_email, is_on_roster, last_hosted_date, days_since_hosted, meetings
with hosts as (

    select * from {{ ref('hosts') }}

)

select
    vendor,
    host_email,
    is_on_roster,
    last_hosted_date,
    days_since_hosted,
    meetings
from hosts
where is_idle_90_days
order by coalesce(days_since_hosted, 1000000) desc, vendor, host_email
