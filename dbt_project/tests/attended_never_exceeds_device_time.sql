select
    attendee_key,
    attended_seconds,
    device_seconds
from {{ ref('attendees') }}
where attended_seconds > device_seconds
