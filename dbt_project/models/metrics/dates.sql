with vendors as (

    select * from {{ ref('stg_pipeline__vendors') }}

),

meetings as (

    select * from {{ ref('meetings') }}

),

bounds as (

    select
        min(first_date) as first_date,
        max(as_of) as last_date
    from vendors

    union all

    select
        min(cast(started_at as date)) as first_date,
        max(ended_date) as last_date
    from meetings

),

wanted as (

    select
        min(first_date) as first_date,
        max(last_date) as last_date
    from bounds

),

dates as (

    select {{ each_date('first_date', 'last_date') }} as date_day
    from wanted
    where first_date <= last_date

)

select * from dates
