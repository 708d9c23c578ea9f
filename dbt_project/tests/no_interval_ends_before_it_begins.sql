select
    interval_key,
    joined_at,
    left_at
from {{ ref('attendance_intervals') }}
where left_at < joined_at
