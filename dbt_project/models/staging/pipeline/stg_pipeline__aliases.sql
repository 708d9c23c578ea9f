with source as (

    select * from {{ source('pipeline', 'aliases') }}

),

renamed as (

    select distinct
        ---------- ids
        {% for identity, token in [('identity', 'token'), ('same_as', 'same_token')] %}
        case
            when {{ identity }} like '%:%' then {{ identity }}
            else 'email:' || lower(trim({{ identity }}))
        end as {{ token }}{{ ',' if not loop.last }}
        {% endfor %}
    from source

)

select * from renamed
