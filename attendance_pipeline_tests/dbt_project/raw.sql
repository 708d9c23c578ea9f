create table raw.zoom_meetings (
    uuid varchar,
    id bigint,
    is_webinar boolean,
    type integer,
    topic varchar,
    user_name varchar,
    user_email varchar,
    start_time timestamp,
    end_time timestamp,
    duration integer,
    total_minutes integer,
    participants_count integer,
    source varchar,
    department varchar,
    create_time timestamp,
    has_screen_share boolean,
    has_recording boolean,
    has_chat boolean,
    meeting_encryption_status integer,
    participants_count_my_account integer,
    session_key varchar,
    host_organization varchar,
    host_name varchar,
    unique_viewers integer,
    max_concurrent_views integer,
    custom_keys varchar,
    tracking_fields varchar,
    groups varchar,
    feature_used varchar,
    one_participant boolean,
    listed_by varchar,
    document_id varchar,
    ended_date date
);

create table raw.zoom_participants (
    meeting_uuid varchar,
    user_id varchar,
    participant_user_id varchar,
    id varchar,
    name varchar,
    user_email varchar,
    join_time timestamp,
    leave_time timestamp,
    duration integer,
    registrant_id varchar,
    customer_key varchar,
    failover boolean,
    status varchar,
    bo_mtg_id varchar,
    attentiveness_score varchar,
    source varchar,
    document_id varchar,
    ended_date date
);

create table raw.zoom_readings (
    meeting_id varchar,
    report varchar,
    status varchar,
    reason varchar,
    vendor_count bigint,
    rows_held bigint,
    rows_quarantined bigint,
    attempts integer,
    read_at timestamp,
    settled boolean,
    due_at timestamp,
    recoverable_until timestamp,
    document_id varchar,
    ended_date date
);

create table raw.webex_meetings (
    meeting_id varchar,
    site_url varchar,
    meeting_number varchar,
    meeting_title varchar,
    agenda varchar,
    timezone varchar,
    start_time timestamp,
    end_time timestamp,
    duration double,
    scheduled_type varchar,
    service_type varchar,
    host_display_name varchar,
    host_email varchar,
    host_user_id varchar,
    web_link varchar,
    total_people_minutes double,
    total_call_in_minutes double,
    total_call_in_toll_free_minutes double,
    total_call_out_domestic double,
    total_call_out_international double,
    total_voip_minutes double,
    total_participants integer,
    total_participants_voip integer,
    total_participants_call_in integer,
    total_participants_call_out integer,
    peak_attendee integer,
    total_registered integer,
    total_invitee integer,
    tracking_codes varchar,
    integration_tags varchar,
    scheduled_meeting_id varchar,
    has_chat boolean,
    has_recording boolean,
    has_transcription boolean,
    has_closed_caption boolean,
    has_polls boolean,
    has_qa boolean,
    has_slido boolean,
    has_registration boolean,
    has_registrants boolean,
    has_post_event_survey boolean,
    has_summary boolean,
    listed_by varchar,
    document_id varchar,
    ended_date date
);

create table raw.webex_attendees (
    meeting_id varchar,
    site_url varchar,
    meeting_number varchar,
    meeting_title varchar,
    display_name varchar,
    email varchar,
    joined_time timestamp,
    left_time timestamp,
    duration double,
    participant_type varchar,
    ip_address varchar,
    client_agent varchar,
    company varchar,
    phone_number varchar,
    address1 varchar,
    address2 varchar,
    city varchar,
    state varchar,
    country varchar,
    zip_code varchar,
    registered boolean,
    invited boolean,
    document_id varchar,
    ended_date date
);

create table raw.webex_participants (
    meeting_id varchar,
    id varchar,
    org_id varchar,
    host boolean,
    co_host boolean,
    space_moderator boolean,
    email varchar,
    display_name varchar,
    invitee boolean,
    muted boolean,
    meeting_start_time timestamp,
    video varchar,
    state varchar,
    breakout_session_id varchar,
    joined_time timestamp,
    left_time timestamp,
    site_url varchar,
    host_email varchar,
    source_id varchar,
    devices struct(
        correlation_id varchar,
        device_type varchar,
        audio_type varchar,
        joined_time timestamp,
        left_time timestamp,
        duration_second integer,
        call_type varchar,
        phone_number varchar
    )[],
    breakout_sessions_attended struct(
        id varchar,
        name varchar,
        joined_time timestamp,
        left_time timestamp
    )[],
    document_id varchar,
    ended_date date
);

create table raw.webex_readings (
    meeting_id varchar,
    report varchar,
    status varchar,
    reason varchar,
    vendor_count bigint,
    rows_held bigint,
    rows_quarantined bigint,
    attempts integer,
    read_at timestamp,
    settled boolean,
    due_at timestamp,
    recoverable_until timestamp,
    document_id varchar,
    ended_date date
);

create table raw.teams_attendance_reports (
    report_id varchar,
    kind varchar,
    source varchar,
    online_meeting_id varchar,
    event_id varchar,
    session_id varchar,
    organizer_id varchar,
    organizer_tenant_id varchar,
    organizer_email varchar,
    organizer_name varchar,
    subject varchar,
    meeting_type varchar,
    scheduled_start_time timestamp,
    scheduled_end_time timestamp,
    is_registration_required boolean,
    total_participant_count integer,
    meeting_start_time timestamp,
    meeting_end_time timestamp,
    external_event_information varchar,
    found_by varchar,
    document_id varchar,
    ended_date date
);

create table raw.teams_attendance_records (
    report_id varchar,
    first_join_time timestamp,
    record_id varchar,
    email_address varchar,
    total_attendance_in_seconds integer,
    role varchar,
    identity_type varchar,
    identity_id varchar,
    identity_display_name varchar,
    identity_tenant_id varchar,
    identity_email varchar,
    identity_application_type varchar,
    azure_communication_services_resource_id varchar,
    attendance_intervals struct(
        join_date_time timestamp,
        leave_date_time timestamp,
        duration_in_seconds integer
    )[],
    registration_id varchar,
    external_registration_referrer varchar,
    external_registration_id varchar,
    registrant_id varchar,
    engagements struct(
        date_time timestamp,
        engagement_type varchar,
        engagement_sub_type varchar
    )[],
    document_id varchar,
    ended_date date
);

create table raw.teams_registrations (
    report_id varchar,
    registration_id varchar,
    event_id varchar,
    email varchar,
    first_name varchar,
    last_name varchar,
    status varchar,
    registration_date_time timestamp,
    cancelation_date_time timestamp,
    user_id varchar,
    preferred_timezone varchar,
    preferred_language varchar,
    registration_question_answers varchar,
    external_registration_referrer varchar,
    external_registration_id varchar,
    document_id varchar,
    ended_date date
);

create table raw.teams_attendee_events (
    report_id varchar,
    session_id varchar,
    participant_id varchar,
    full_name varchar,
    user_agent varchar,
    utc_event_timestamp timestamp,
    action varchar,
    role varchar,
    document_id varchar,
    ended_date date
);

create table raw.teams_recordings (
    report_id varchar,
    artifact varchar,
    is_available boolean,
    size_in_bytes bigint,
    content_type varchar,
    file varchar,
    document_id varchar,
    ended_date date
);

create table raw.teams_meetings (
    route varchar,
    id varchar,
    kind varchar,
    online_meeting_id varchar,
    event_id varchar,
    session_id varchar,
    organizer_id varchar,
    organizer_tenant_id varchar,
    organizer_email varchar,
    organizer_name varchar,
    subject varchar,
    join_web_url varchar,
    call_type varchar,
    version bigint,
    modalities varchar,
    last_modified_time timestamp,
    series_master_id varchar,
    calendar_event_type varchar,
    start_time timestamp,
    end_time timestamp,
    report_id varchar,
    status varchar,
    reason varchar,
    document_id varchar,
    ended_date date
);

create table raw.teams_readings (
    meeting_id varchar,
    report varchar,
    status varchar,
    reason varchar,
    vendor_count bigint,
    rows_held bigint,
    rows_quarantined bigint,
    attempts integer,
    read_at timestamp,
    settled boolean,
    due_at timestamp,
    recoverable_until timestamp,
    document_id varchar,
    ended_date date
);

create table raw.zoom_days (
    status varchar,
    reason varchar,
    asked_at timestamp,
    settled boolean,
    rows_quarantined bigint,
    recoverable_until timestamp,
    ended_date date
);

create table raw.webex_days (
    status varchar,
    reason varchar,
    asked_at timestamp,
    settled boolean,
    rows_quarantined bigint,
    recoverable_until timestamp,
    ended_date date
);

create table raw.teams_days (
    status varchar,
    reason varchar,
    asked_at timestamp,
    settled boolean,
    rows_quarantined bigint,
    recoverable_until timestamp,
    ended_date date
);

create table raw.vendors (
    vendor varchar,
    is_on boolean,
    first_date date,
    first_read_seconds bigint,
    settles_seconds bigint,
    listed_seconds bigint,
    recoverable_seconds bigint,
    as_of date
);

create table raw.aliases (
    identity varchar,
    same_as varchar
);

create table raw.roster (
    vendor varchar,
    host_email varchar
);

create table raw.loads (
    raw_table varchar,
    ended_date date,
    mark varchar,
    batch bigint,
    vendor varchar
);

create table raw.builds (
    batch bigint,
    recipe varchar
);
