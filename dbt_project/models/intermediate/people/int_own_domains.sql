-- depends_on: {{ ref('int_meetings_unioned') }}

with own_domains as (

    {% if var('own_domains') %}
    select distinct lower(listed.email_domain) as email_domain
    from (
        values
        {% for domain in var('own_domains') %}
        ('{{ domain }}'){{ ',' if not loop.last }}
        {% endfor %}
    ) as listed (email_domain)
    {% else %}
    select distinct split_part(host_email, '@', 2) as email_domain
    from {{ ref('int_meetings_unioned') }}
    where host_email is not null
    {% endif %}

)

select * from own_domains
