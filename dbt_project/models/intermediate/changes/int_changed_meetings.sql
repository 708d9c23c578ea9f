{% set built = as_built('intermediate', 'int_meetings_unioned') %}
{% set built_told = as_built('intermediate', 'int_meetings_told') %}
{% set built_intervals = as_built('marts', 'attendance_intervals') %}
{% set before = as_built('intermediate', 'int_changed_meetings') %}

with loads as (

    select * from {{ ref('stg_pipeline__loads') }}

),

builds as (

    select coalesce(max(finished_batch), 0) as finished_batch
    from {{ ref('stg_pipeline__builds') }}

),

batches as (

    select coalesce(max(batch), 0) as batch
    from loads

),

changed_partitions as (

    select distinct
        loads.vendor,
        loads.ended_date
    from loads
    cross join builds
    where
        loads.is_of_meetings
        and loads.batch > builds.finished_batch

),

telling as (

    {{ told_of_meetings() }}

),

told as (

    select distinct
        md5(telling.vendor || '|' || telling.vendor_meeting_id) as meeting_key,
        telling.vendor,
        telling.vendor_meeting_id
    from telling
    {% if built %}
    inner join changed_partitions
        on
            telling.vendor = changed_partitions.vendor
            and telling.ended_date = changed_partitions.ended_date
    {% endif %}

    {% if built and built_told %}
    -- what a partition told before counts too: it may tell of the meeting no more
    union

    select
        built_told.meeting_key,
        built_told.vendor,
        built_told.vendor_meeting_id
    from {{ built_told }} as built_told
    inner join changed_partitions
        on
            built_told.vendor = changed_partitions.vendor
            and built_told.ended_date = changed_partitions.ended_date
    {% endif %}

    {% if before %}
    union

    -- of builds that didn't finish
    select
        before.meeting_key,
        before.vendor,
        before.vendor_meeting_id
    from {{ before }} as before
    cross join builds
    where before.batch > builds.finished_batch
    {% endif %}

),

touched as (

    select
        cast(null as string) as meeting_key,
        cast(null as date) as first_date,
        cast(null as date) as last_date
    where false

    {% if built %}
    union all

    select
        built.meeting_key,
        cast(built.started_at as date) as first_date,
        greatest(cast(built.ended_at as date), built.ended_date) as last_date
    from {{ built }} as built
    inner join told
        on built.meeting_key = told.meeting_key
    {% endif %}

    {% if built_intervals %}
    union all

    select
        intervals.meeting_key,
        cast(intervals.joined_at as date) as first_date,
        cast(intervals.left_at as date) as last_date
    from {{ built_intervals }} as intervals
    inner join told
        on intervals.meeting_key = told.meeting_key
    {% endif %}

    {% if before %}
    union all

    select
        before.meeting_key,
        before.first_date,
        before.last_date
    from {{ before }} as before
    cross join builds
    where before.batch > builds.finished_batch
    {% endif %}

),

dates as (

    select
        meeting_key,
        min(first_date) as first_date,
        max(last_date) as last_date
    from touched
    group by meeting_key

),

changed as (

    select
        told.meeting_key,
        told.vendor,
        told.vendor_meeting_id,
        -- the dates that the meeting touched before this build
        dates.first_date,
        dates.last_date,
        batches.batch
    from told
    cross join batches
    left join dates
        on told.meeting_key = dates.meeting_key

)

select * from changed
