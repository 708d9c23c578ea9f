-- Whom do we meet from outside?
-- One row per domain that isn't the organisation's, the twenty with the most attended hours.
-- Read attended_hours, of the people with that domain only. Attendees of whom no address is known are in no domain.
-- Columns: email_domain, attendees, attended_hours, first_ended_date, last_ended_date
with daily_domains as (

    select * from {{ ref('daily_domains') }}

)

select
    email_domain,
    cast(sum(attendees) as bigint) as attendees,
    sum(attended_seconds) / 3600.0 as attended_hours,
    min(ended_date) as first_ended_date,
    max(ended_date) as last_ended_date
from daily_domains
where not is_own
group by email_domain
order by sum(attended_seconds) desc, email_domain
limit 20
