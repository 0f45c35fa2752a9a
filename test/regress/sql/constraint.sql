-- constraint: each unique index, CHECK and foreign key of lpr_data refuses, under its own name, a row that nothing else
-- is wrong with. That nothing else is: without the constraint the row is taken. A new constraint has no line here, and
-- is told at the end. Not of this walk: parts of the log and of the cache, which their workers make; and the key of
-- lpr_data.change, which is numbered by its guard (trigger, TAP 455).
\getenv abs_srcdir PG_ABS_SRCDIR
\set rows :abs_srcdir '/rows.sql'
BEGIN;
\i :rows
SELECT pg_temp.add_world() \g /dev/null

-- other: what is wrong with the row; again: of unique ones, what a second row has besides; without: what else would
-- refuse it, being the stricter; statement: in place of a row.
CREATE TEMP TABLE attempt (relation text, name text, other jsonb, again jsonb, without text[], statement text);
INSERT INTO attempt (relation, name, other) VALUES
    ('access', 'a_year_at_most',
        '{"state": "granted", "granted_at": "2026-01-01 00:00Z", "ends_at": "2027-01-01 00:00:01Z"}'),
    ('access', 'a_year_at_most',
        '{"state": "granted", "granted_at": "2026-01-01 00:00Z", "ends_at": "2026-01-01 00:00Z"}'),
    ('access', 'access_modes_check', '{"modes": ["plate", "face"]}'),
    ('access', 'access_modes_check', '{"modes": []}'),
    ('access', 'access_sources_check', '{"sources": []}'),
    ('access', 'access_state_check', '{"state": "waived"}'),
    ('access', 'access_systems_check', '{"systems": []}'),
    ('access', 'granted_has_dates', '{"state": "granted"}'),
    ('access', 'granted_has_dates', '{"granted_at": "2026-01-01", "ends_at": "2026-02-01"}'),
    ('access', 'granted_has_dates', '{"state": "granted", "granted_at": "2026-01-01"}'),
    ('access_step', 'access_step_action_check', '{"action": "wave"}'),
    ('access_step', 'access_step_number_check', '{"number": 0}'),
    ('access_step', 'access_step_reason_check', '{"reason": "  "}'),
    ('access_step', 'access_step_step_check', '{"step": "friend"}'),
    ('authority', 'authority_authority_check', '{"authority": "Harbor"}'),
    ('authority', 'authority_citation_check', '{"citation": " "}'),
    ('cache_time', 'cache_time_keep_check', '{"keep": "3:59:59"}'),
    ('cache_time', 'cache_time_keep_check', '{"keep": "24:00:01"}'),
    ('cache_time', 'cache_time_name_check', '{"name": "other"}'),
    ('camera', 'camera_camera_id_check', '{"camera_id": ""}'),
    ('camera', 'camera_camera_id_check', '{"camera_id": "a\nb"}'),
    ('camera', 'camera_has_place', '{"latitude": null, "longitude": null}'),
    ('camera', 'camera_has_place', '{"latitude": null, "longitude": null, "address": "1 Main St"}'),
    ('camera', 'camera_has_place', '{"latitude": null, "longitude": null, "region": "CA"}'),
    ('camera', 'camera_has_place', '{"latitude": null}'),
    ('camera', 'camera_has_place', '{"longitude": null, "address": "1 Main St", "region": "CA"}'),
    ('camera', 'camera_latitude_check', '{"latitude": 90.1}'),
    ('camera', 'camera_latitude_check', '{"latitude": -90.1}'),
    ('camera', 'camera_longitude_check', '{"longitude": 180.1}'),
    ('camera', 'camera_longitude_check', '{"longitude": -180.1}'),
    ('checkpoint', 'checkpoint_size_check', '{"size": 0}'),
    ('client_network', 'client_network_kind_check', '{"kind": "open"}'),
    ('client_network', 'client_network_network_check', '{"network": "10.0.0.1"}'),
    ('consent_time', 'consent_time_idle_check', '{"idle": "59 seconds"}'),
    ('consent_time', 'consent_time_idle_check', '{"idle": "1:00:01"}'),
    ('consent_time', 'consent_time_lasts_check', '{"lasts": "14:59 minutes"}'),
    ('consent_time', 'consent_time_lasts_check', '{"lasts": "12:00:01"}'),
    ('consent_time', 'consent_time_name_check', '{"name": "other"}'),
    ('consent_token', 'consent_token_digest_check', '{"digest": "\\x02"}'),
    ('correction', 'confirmed_as_a_whole', '{"confirmed_at": "2026-01-02"}'),
    ('correction', 'confirmed_as_a_whole', '{"confirmed_by": "@analyst2"}'),
    ('correction', 'confirmed_as_a_whole', '{"confirmed_by": "@analyst2", "confirm_reason": "x"}'),
    ('correction', 'confirmed_by_somebody_else',
        '{"confirmed_at": "2026-01-02", "confirmed_by": "@analyst1", "confirm_reason": "x"}'),
    ('correction', 'correction_confirm_reason_check',
        '{"confirmed_at": "2026-01-02", "confirmed_by": "@analyst2", "confirm_reason": " "}'),
    ('correction', 'correction_field_check', '{"field": "captured_at"}'),
    ('correction', 'correction_reason_check', '{"reason": " "}'),
    ('correction', 'correction_value_check', '{"value": " "}'),
    ('correction', 'correction_value_check', '{"value": "a\nb"}'),
    ('course', 'course_code_check', '{"code": "Harbor"}'),
    ('course', 'course_title_check', '{"title": " "}'),
    ('destruction_certificate', 'destruction_certificate_digest_check', '{"digest": "\\x02"}'),
    ('destruction_certificate', 'destruction_certificate_reason_check', '{"reason": " "}'),
    ('destruction_order', 'destruction_order_digest_check', '{"digest": "\\x02"}'),
    ('destruction_order', 'destruction_order_reads_check', '{"reads": 0}'),
    ('destruction_order', 'destruction_order_state_check', '{"state": "lost"}'),
    ('destruction_part', 'destruction_part_digest_check', '{"digest": "\\x02"}'),
    ('destruction_part', 'destruction_part_reads_check', '{"reads": 0}'),
    ('destruction_part', 'destruction_part_state_check', '{"state": "lost"}'),
    ('empty_reason', 'empty_reason_reason_check', '{"reason": "Harbor!"}'),
    ('event', 'closed_with_outcome', '{"closed_at": "2026-02-01"}'),
    ('event', 'closed_with_outcome', '{"outcome": "found"}'),
    ('event', 'ends_after_it_opens', '{"ends_at": "2026-01-01"}'),
    ('event', 'event_matter_reference_check', '{"matter_reference": "  SD  "}'),
    ('event', 'event_matter_reference_check', '{"matter_reference": "SD\n1"}'),
    ('event', 'event_outcome_check', '{"closed_at": "2026-02-01", "outcome": "ok"}'),
    ('event', 'event_title_check', '{"title": "  ab  "}'),
    ('event', 'event_title_check', '{"title": "ab\ncd"}'),
    ('event_extension', 'a_year_at_most', '{"at": "2026-01-01 00:00Z", "ends_at": "2027-01-01 00:00:01Z"}'),
    ('event_extension', 'a_year_at_most', '{"at": "2026-01-01 00:00Z", "ends_at": "2026-01-01 00:00Z"}'),
    ('event_extension', 'event_extension_reason_check', '{"reason": " "}'),
    ('event_read', 'event_read_details_check', '{"details": "\\x02"}'),
    ('event_read', 'event_read_digest_check', '{"digest": "\\x02"}'),
    ('event_read', 'event_read_place_certainty_check', '{"place_certainty": "rumor"}'),
    ('event_read', 'event_read_place_check', '{"place": -1}'),
    ('event_read', 'event_read_proof_check', '{"proof": "\\x02"}'),
    ('event_read', 'event_read_relevance_check', '{"relevance": " "}'),
    ('event_read', 'event_read_salt_check', '{"salt": "\\x02"}'),
    ('event_read', 'event_read_why_images_check', '{"why_images": " "}'),
    ('event_step', 'about_a_person_or_a_read', '{"about": null}'),
    ('event_step', 'about_a_person_or_a_read', '{"saved_id": 9001}'),
    ('event_step', 'about_a_person_or_a_read', '{"action": "unsave", "about": null, "reason": "x"}'),
    ('event_step', 'about_a_person_or_a_read', '{"action": "unsave", "saved_id": 9001, "reason": "x"}'),
    ('event_step', 'event_step_action_check', '{"action": "wave"}'),
    ('event_step', 'event_step_reason_check', '{"reason": " "}'),
    ('event_step', 'taken_off_for_a_reason', '{"action": "unsave", "about": null, "saved_id": 9001}'),
    ('evidence_kind', 'evidence_kind_citation_check', '{"citation": " "}'),
    ('evidence_kind', 'evidence_kind_kind_check', '{"kind": "Harbor"}'),
    ('evidence_kind', 'evidence_kind_title_check', '{"title": " "}'),
    ('exemption', 'exemption_exemptions_check', '{"exemptions": [null]}'),
    ('exemption', 'exemption_records_check', '{"records": "ats"}'),
    ('grace', 'grace_what_check', '{"what": "harbor"}'),
    ('grace', 'thirty_days_at_most', '{"until": "2026-01-31 00:01:01Z"}'),
    ('grace', 'thirty_days_at_most', '{"until": "2026-01-01 00:00Z"}'),
    ('grace', 'thirty_days_at_most', '{"until": "infinity"}'),
    ('image', 'image_check', '{"content": "\\x03"}'),
    ('legal_hold', 'legal_hold_authority_check', '{"authority": " "}'),
    ('legal_hold', 'legal_hold_lift_reason_check',
        '{"lifted_at": "2026-02-01", "lifted_by": "@records2", "lift_reason": " "}'),
    ('legal_hold', 'legal_hold_reason_check', '{"reason": " "}'),
    ('legal_hold', 'lifted_as_a_whole', '{"lifted_at": "2026-02-01"}'),
    ('legal_hold', 'lifted_as_a_whole', '{"lifted_by": "@records2", "lift_reason": "x"}'),
    ('legal_hold', 'lifted_by_somebody_else',
        '{"lifted_at": "2026-02-01", "lifted_by": "@records1", "lift_reason": "x"}'),
    ('log', 'log_id_check', '{"id": "\\x02"}'),
    ('mail', 'mail_address_check', '{"address": "h@agency.example\nBcc: x@agency.example"}'),
    ('mail', 'mail_body_check', '{"body": "a\rb"}'),
    ('mail', 'mail_key_check', '{"key": ""}'),
    ('mail', 'mail_message_id_check', '{"message_id": "02"}'),
    ('mail', 'mail_state_check', '{"state": "lost"}'),
    ('mail', 'mail_subject_check', '{"subject": "a\nb"}'),
    ('mail', 'mail_subject_check', '{"subject": ""}'),
    ('mail', 'sent_is_dated', '{"state": "sent"}'),
    ('mail', 'sent_is_dated', '{"sent_at": "2026-01-01"}'),
    ('mail_text', 'kind_of_mail', '{"kind": "birthday"}'),
    ('mail_text', 'mail_text_body_check', '{"body": " "}'),
    ('mail_text', 'mail_text_body_check', '{"body": "a\rb"}'),
    ('mail_text', 'mail_text_subject_check', '{"subject": "a\nb"}'),
    ('mail_text', 'mail_text_subject_check', '{"subject": " "}'),
    ('mail_text', 'placeholders', '{"body": "{systems}"}'),
    ('mail_text', 'placeholders', '{"body": "{"}'),
    ('nexus', 'nexus_citation_check', '{"citation": " "}'),
    ('nexus', 'nexus_nexus_check', '{"nexus": "hunch"}'),
    ('nexus', 'nexus_title_check', '{"title": " "}'),
    ('nexus', 'stated_when_saved', '{"active": false}'),
    ('person', 'person_check', '{"supervisor_id": 9002}'),
    ('person', 'person_email_check', '{"email": "h@agency.example, i@agency.example"}'),
    ('person', 'person_kind_check', '{"kind": "robot"}'),
    ('person', 'person_login_check', '{"login": ""}'),
    ('person', 'person_name_check', '{"name": " "}'),
    ('person', 'person_name_check', '{"name": "a\nb"}'),
    ('person', 'person_unit_check', '{"unit": " "}'),
    ('person', 'personnel_hash_is_one', '{"personnel_hash": "\\x02"}'),
    ('purpose', 'purpose_purpose_check', '{"purpose": "Harbor"}'),
    ('purpose', 'purpose_title_check', '{"title": " "}'),
    ('rate_limit', 'named_by_what_it_limits', '{"name": "person_day"}'),
    ('rate_limit', 'rate_limit_per_check', '{"name": "person_week", "per": "week"}'),
    ('rate_limit', 'rate_limit_questions_check', '{"questions": 0}'),
    ('rate_limit', 'rate_limit_questions_check', '{"questions": 1000001}'),
    ('rate_limit', 'rate_limit_scope_check', '{"name": "unit_hour", "scope": "unit"}'),
    ('recertification', 'a_year_at_most', '{"at": "2026-01-01 00:00Z", "valid_until": "2027-01-01 00:00:01Z"}'),
    ('recertification', 'a_year_at_most', '{"at": "2026-01-01 00:00Z", "valid_until": "2026-01-01 00:00Z"}'),
    ('recertification', 'recertification_check', '{"lead_id": "@newcomer1"}'),
    ('recertification', 'recertification_reason_check', '{"reason": " "}'),
    ('relation', 'relation_citation_check', '{"citation": " "}'),
    ('relation', 'relation_kinds_check', '{"kinds": ["plate", "face"]}'),
    ('relation', 'relation_kinds_check', '{"kinds": []}'),
    ('relation', 'relation_relation_check', '{"relation": "Harbor"}'),
    ('relation', 'relation_title_check', '{"title": " "}'),
    ('role_conflict', 'role_conflict_other_check', '{"other": "lpr-lead"}'),
    ('role_conflict', 'role_conflict_reason_check', '{"reason": " "}'),
    ('role_conflict', 'role_conflict_reason_check', '{"reason": "a\nb"}'),
    ('role_conflict', 'role_conflict_role_check', '{"role": "harbor"}'),
    ('role_conflict', 'two_roles', '{"other": "lpr_foia"}'),
    ('role_state', 'role_state_kind_check', '{"kind": "rumor"}'),
    ('rules', 'rules_text_check', '{"text": " "}'),
    ('rules', 'rules_version_check', '{"version": 0}'),
    ('schedule', 'ends_after_it_begins', '{"effective_until": "2026-01-01"}'),
    ('schedule', 'periods_are_the_site_s', '{"shipped": true}'),
    ('schedule', 'periods_are_the_site_s', '{"proposed_by": null}'),
    ('schedule', 'periods_are_the_site_s', '{"base_period": null}'),
    ('schedule', 'schedule_base_period_check', '{"base_period": "23:59:59"}'),
    ('schedule', 'schedule_base_period_check', '{"base_period": "100 years 1 day"}'),
    ('schedule', 'schedule_citation_check', '{"citation": " "}'),
    ('schedule', 'schedule_reason_check', '{"reason": " "}'),
    ('schedule', 'schedule_records_check', '{"records": "ats"}'),
    ('schedule', 'schedule_runs_from_check', '{"runs_from": "birth"}'),
    ('schedule_step', 'schedule_step_action_check', '{"action": "wave"}'),
    ('schedule_step', 'schedule_step_reason_check', '{"reason": " "}'),
    ('search_limit', 'place_has_area', '{"radius_m": null}'),
    ('search_limit', 'search_limit_address_length_check', '{"address_length": 2}'),
    ('search_limit', 'search_limit_mode_check', '{"mode": "color"}'),
    ('search_limit', 'search_limit_radius_m_check', '{"radius_m": 500001}'),
    ('search_limit', 'search_limit_reads_check', '{"reads": 1000001}'),
    ('search_limit', 'search_limit_reads_check', '{"reads": 0}'),
    ('search_limit', 'search_limit_span_check', '{"span": "5 years 1 day"}'),
    ('search_limit', 'search_limit_span_check', '{"span": "0"}'),
    ('secret', 'secret_key_name_check', '{"key_name": "../key"}'),
    ('secret', 'secret_name_check', '{"name": "../harbor"}'),
    ('source', 'assessed_before_enabled', '{"enabled": true}'),
    ('source', 'assessed_before_enabled', '{"enabled": true, "assessment": "x"}'),
    ('source', 'assessed_before_enabled', '{"enabled": true, "approved_on": "2026-01-01"}'),
    ('source', 'published_on_a_day', '{"published_on": "infinity"}'),
    ('source', 'published_on_a_day', '{"published_on": "-infinity"}'),
    ('source', 'source_assessment_check', '{"assessment": " "}'),
    ('source', 'source_exemptions_check', '{"exemptions": [null]}'),
    ('source', 'source_name_check', '{"name": "Harbor"}'),
    ('system', 'system_records_check', '{"records": "ats"}'),
    ('system', 'system_system_check', '{"system": ""}'),
    ('target', 'anchor_of_its_kind', '{"plate": null}'),
    ('target', 'anchor_of_its_kind', '{"kind": "vehicle"}'),
    ('target', 'anchor_of_its_kind', '{"kind": "vehicle", "plate": null}'),
    ('target', 'anchor_of_its_kind', '{"kind": "address", "plate": null}'),
    ('target', 'anchor_of_its_kind', '{"kind": "vehicle", "make": "FORD"}'),
    ('target', 'anchor_of_its_kind', '{"address": "1 Harbor Dr"}'),
    ('target', 'anchor_of_its_kind', '{"make": "FORD"}'),
    ('target', 'anchor_of_its_kind', '{"model": "F-150"}'),
    ('target', 'anchor_of_its_kind', '{"latitude": 32.5, "longitude": -117, "radius_m": 200}'),
    ('target', 'anchor_of_its_kind', '{"kind": "address", "plate": null, "latitude": 32.5, "longitude": -117}'),
    ('target', 'anchor_of_its_kind', '{"kind": "address", "plate": null, "address": "1 Harbor Dr", "radius_m": 200}'),
    ('target', 'anchor_of_its_kind',
        '{"kind": "address", "plate": null, "address": "1 Harbor Dr", "plate_region": "CA"}'),
    ('target', 'associates_of_associates_at_most', '{"depth": 1}'),
    ('target', 'associates_of_associates_at_most', '{"associate_of": 9001}'),
    ('target', 'associates_of_associates_at_most',
        '{"associate_of": 9001, "depth": 3, "waits": true, "good_until": "-infinity"}'),
    ('target', 'confirmed_by_somebody_else',
        '{"waits": true, "confirmed_at": "2026-01-02", "confirmed_by": "@analyst1"}'),
    ('target', 'confirmed_by_somebody_else', '{"waits": true, "confirmed_at": "2026-01-02"}'),
    ('target', 'confirmed_by_somebody_else', '{"confirmed_by": "@supervisor1"}'),
    ('target', 'ended_as_a_whole', '{"ended_at": "2026-02-01"}'),
    ('target', 'ended_as_a_whole', '{"end_kind": "ruled_out"}'),
    ('target', 'ended_as_a_whole', '{"ended_at": "2026-02-01", "ended_by": "@analyst1", "end_kind": "ended"}'),
    ('target', 'evidence_or_urgent', '{"evidence_kind": null}'),
    ('target', 'evidence_or_urgent', '{"evidence_reference": null}'),
    ('target', 'evidence_or_urgent', '{"evidence_kind": null, "evidence_reference": null}'),
    ('target', 'evidence_or_urgent', '{"evidence_kind": null, "urgent_number": 1,
        "urgent_day": "2026-01-01", "waits": true, "good_until": "2026-01-02 00:00Z"}'),
    ('target', 'good_until_confirmed', '{"waits": true}'),
    ('target', 'good_until_confirmed', '{"waits": true, "good_until": "2026-01-02 00:00:01Z"}'),
    ('target', 'read_beside_a_target', '{"evidence_kind": "prior_read"}'),
    ('target', 'target_address_check', '{"kind": "address", "plate": null, "address": "  ab  "}'),
    ('target', 'target_basis_check', '{"basis": " "}'),
    ('target', 'target_end_kind_check', '{"ended_at": "2026-02-01", "ended_by": "@analyst1", "end_kind": "lost",
        "end_reason": "x"}'),
    ('target', 'target_end_reason_check', '{"ended_at": "2026-02-01", "ended_by": "@analyst1", "end_kind": "ended",
        "end_reason": " "}'),
    ('target', 'target_evidence_reference_check', '{"evidence_reference": "  ab  "}'),
    ('target', 'target_kind_check', '{"kind": "person", "plate": null}'),
    ('target', 'target_latitude_check',
        '{"kind": "address", "plate": null, "latitude": 90.1, "longitude": -117, "radius_m": 200}'),
    ('target', 'target_latitude_check',
        '{"kind": "address", "plate": null, "latitude": -90.1, "longitude": -117, "radius_m": 200}'),
    ('target', 'target_longitude_check',
        '{"kind": "address", "plate": null, "latitude": 32.5, "longitude": 180.1, "radius_m": 200}'),
    ('target', 'target_longitude_check',
        '{"kind": "address", "plate": null, "latitude": 32.5, "longitude": -180.1, "radius_m": 200}'),
    ('target', 'target_make_check', '{"kind": "vehicle", "plate": null, "make": ""}'),
    ('target', 'target_model_check', '{"kind": "vehicle", "plate": null, "model": ""}'),
    ('target', 'target_plate_check', '{"plate": "HARBOR90123456789"}'),
    ('target', 'target_plate_region_check', '{"plate_region": "ca"}'),
    ('target', 'target_radius_m_check',
        '{"kind": "address", "plate": null, "latitude": 32.5, "longitude": -117, "radius_m": 0.9}'),
    ('target', 'target_radius_m_check',
        '{"kind": "address", "plate": null, "latitude": 32.5, "longitude": -117, "radius_m": 1000.1}'),
    ('target', 'urgent_three_a_day',
        '{"urgent_number": 4, "urgent_day": "2026-01-01", "waits": true, "good_until": "2026-01-02 00:00Z"}'),
    ('target', 'urgent_three_a_day',
        '{"urgent_number": 0, "urgent_day": "2026-01-01", "waits": true, "good_until": "2026-01-02 00:00Z"}'),
    ('target', 'urgent_three_a_day', '{"urgent_day": "2026-01-01", "waits": true, "good_until": "2026-01-02 00:00Z"}'),
    ('target', 'urgent_three_a_day', '{"urgent_number": 1}'),
    ('target', 'waits_where_it_must', '{"urgent_day": "2026-01-01", "urgent_number": 1}'),
    ('target', 'waits_where_it_must', '{"associate_of": 9001, "depth": 2}'),
    ('training', 'a_year_at_most', '{"completed_on": "2026-01-01", "valid_until": "2027-01-01 00:00:01Z"}'),
    ('training', 'a_year_at_most', '{"recorded_at": "2025-12-31 12:00Z"}'),
    ('training', 'training_check', '{"officer_id": "@newcomer1"}');
INSERT INTO attempt (relation, name, other) VALUES
    ('training', 'training_evidence_check', jsonb_build_object('evidence', repeat('x', 1001))),
    ('access_step', 'access_step_reason_check', jsonb_build_object('reason', repeat('x', 4001))),
    ('correction', 'correction_confirm_reason_check',
        jsonb_build_object('confirmed_at', '2026-01-02', 'confirmed_by', '@analyst2', 'confirm_reason',
                           repeat('x', 4001))),
    ('event_read', 'event_read_relevance_check', jsonb_build_object('relevance', repeat('x', 4001))),
    ('event_read', 'event_read_why_images_check', jsonb_build_object('why_images', repeat('x', 4001))),
    ('event_step', 'event_step_reason_check', jsonb_build_object('reason', repeat('x', 4001))),
    ('target', 'target_basis_check', jsonb_build_object('basis', repeat('x', 4001))),
    ('target', 'target_end_reason_check',
        jsonb_build_object('ended_at', '2026-02-01', 'ended_by', '@analyst1', 'end_kind', 'ended', 'end_reason',
                           repeat('x', 4001))),
    ('role_conflict', 'role_conflict_reason_check', jsonb_build_object('reason', repeat('x', 201)));
INSERT INTO attempt (relation, name, other, without) VALUES
    ('image', 'image_sha256_check', '{"sha256": "\\x02"}', '{image_check}');
INSERT INTO attempt (relation, name, statement) VALUES
    ('evidence_kind', 'read_is_never_alone',
        'UPDATE lpr_data.evidence_kind SET alone = true WHERE kind = ''prior_read'''),
    ('course', 'demanded_is_required', 'UPDATE lpr_data.course SET required = false WHERE code = ''privacy''');

-- Foreign keys: of nothing that there is.
INSERT INTO attempt (relation, name, other) VALUES
    ('access', 'access_person_id_fkey', '{"person_id": -1}'),
    ('access_step', 'access_step_access_id_fkey', '{"access_id": -1}'),
    ('access_step', 'access_step_person_id_fkey', '{"person_id": -1}'),
    ('camera', 'camera_source_fkey', '{"source": "nosuch"}'),
    ('consent_token', 'consent_token_person_id_fkey', '{"person_id": -1}'),
    ('correction', 'correction_confirmed_by_fkey',
        '{"confirmed_at": "2026-01-02", "confirmed_by": -1, "confirm_reason": "x"}'),
    ('correction', 'correction_person_id_fkey', '{"person_id": -1}'),
    ('correction', 'correction_saved_id_fkey', '{"saved_id": -1}'),
    ('destruction_certificate', 'destruction_certificate_order_id_fkey', '{"order_id": -1}'),
    ('destruction_certificate', 'destruction_certificate_released_by_fkey', '{"released_by": -1}'),
    ('destruction_order', 'destruction_order_made_by_fkey', '{"made_by": -1}'),
    ('destruction_part', 'destruction_part_event_id_fkey', '{"event_id": -1}'),
    ('destruction_part', 'destruction_part_order_id_fkey', '{"order_id": -1}'),
    ('destruction_part', 'destruction_part_schedule_id_fkey', '{"schedule_id": -1}'),
    ('event', 'event_authority_fkey', '{"authority": "nosuch"}'),
    ('event', 'event_purpose_fkey', '{"purpose": "nosuch"}'),
    ('event', 'event_system_fkey', '{"system": "nosuch"}'),
    ('event_extension', 'event_extension_event_id_fkey', '{"event_id": -1}'),
    ('event_extension', 'event_extension_person_id_fkey', '{"person_id": -1}'),
    ('event_member', 'event_member_added_by_fkey', '{"added_by": -1}'),
    ('event_member', 'event_member_event_id_fkey', '{"event_id": -1}'),
    ('event_member', 'event_member_person_id_fkey', '{"person_id": -1}'),
    ('event_read', 'event_read_plate_image_fkey', '{"plate_image": "\\x00"}'),
    ('event_read', 'event_read_vehicle_image_fkey', '{"vehicle_image": "\\x00"}'),
    ('event_read', 'of_a_save', '{"save_id": -1}'),
    ('event_step', 'event_step_about_fkey', '{"about": -1}'),
    ('event_step', 'event_step_event_id_fkey', '{"event_id": -1}'),
    ('event_step', 'event_step_person_id_fkey', '{"person_id": -1}'),
    ('event_step', 'event_step_schedule_id_fkey', '{"schedule_id": -1}'),
    ('legal_hold', 'legal_hold_event_id_fkey', '{"event_id": -1}'),
    ('legal_hold', 'legal_hold_lifted_by_fkey', '{"lifted_by": -1, "lifted_at": "2026-02-01", "lift_reason": "x"}'),
    ('legal_hold', 'legal_hold_placed_by_fkey', '{"placed_by": -1}'),
    ('mail', 'mail_person_id_fkey', '{"person_id": -1}'),
    ('person', 'person_supervisor_id_fkey', '{"supervisor_id": -1}'),
    ('recertification', 'recertification_lead_id_fkey', '{"lead_id": -1}'),
    ('recertification', 'recertification_person_id_fkey', '{"person_id": -1}'),
    ('save', 'save_event_id_fkey', '{"event_id": -1}'),
    ('save', 'save_nexus_fkey', '{"nexus": "hunch"}'),
    ('save', 'save_person_id_fkey', '{"person_id": -1}'),
    ('save', 'save_schedule_id_fkey', '{"schedule_id": -1}'),
    ('schedule', 'schedule_proposed_by_fkey', '{"proposed_by": -1}'),
    ('schedule_step', 'schedule_step_person_id_fkey', '{"person_id": -1}'),
    ('schedule_step', 'schedule_step_schedule_id_fkey', '{"schedule_id": -1}'),
    ('target', 'target_added_by_fkey', '{"added_by": -1}'),
    ('target', 'target_confirmed_by_fkey', '{"waits": true, "confirmed_at": "2026-01-02", "confirmed_by": -1}'),
    ('target', 'target_ended_by_fkey',
        '{"ended_at": "2026-02-01", "ended_by": -1, "end_kind": "ended", "end_reason": "x"}'),
    ('target', 'target_event_id_fkey', '{"event_id": -1}'),
    ('target', 'target_evidence_kind_fkey', '{"evidence_kind": "nosuch"}'),
    ('target', 'target_relation_fkey', '{"relation": "nosuch"}'),
    ('training', 'training_course_fkey', '{"course": "nosuch"}'),
    ('training', 'training_officer_id_fkey', '{"officer_id": -1}'),
    ('training', 'training_person_id_fkey', '{"person_id": -1}');

-- Unique ones: the same row again, with what else a second row has.
INSERT INTO attempt (relation, name, other, again, without) VALUES
    ('access', 'access_one_under_way', '{}', '{"access_id": 9003}', NULL),
    ('access', 'access_pkey', '{}', '{"person_id": "@analyst1"}', NULL),
    ('access_step', 'access_step_different_people', '{}',
        '{"number": 2, "action": "approve", "step": "supervisor"}', NULL),
    ('access_step', 'access_step_once', '{}', '{"number": 2, "person_id": "@supervisor1"}', NULL),
    ('access_step', 'access_step_pkey', '{}', '{"action": "suspend"}', NULL),
    ('destruction_order', 'destruction_order_pkey', '{}', '{"state": "done"}', NULL),
    ('destruction_order', 'destruction_order_waiting', '{}', '{"order_id": 9003}', NULL),
    ('event_member', 'event_member_owner', '{"owner": true}', '{"person_id": "@analyst2"}', NULL),
    ('event_read', 'event_read_pkey', '{}', '{"read_id": "r9003"}', NULL),
    ('event_read', 'once_an_event', '{}', '{"saved_id": 9003}', NULL),
    ('mail', 'mail_key_key', '{}', '{"mail_id": 9003}', NULL),
    ('mail', 'mail_pkey', '{}', '{"key": "harbor3"}', NULL),
    ('person', 'person_login_key', '{}', '{"person_id": 9003}', NULL),
    ('person', 'person_one_human',
        '{"personnel_hash": "\\x0000000000000000000000000000000000000000000000000000000000000002"}',
        '{"person_id": 9003, "login": "harbor3"}', NULL),
    ('person', 'person_pkey', '{}', '{"login": "harbor3"}', NULL),
    ('save', 'of_its_reads', '{}', '{}', '{save_pkey}'),
    ('save', 'save_pkey', '{}', '{"event_id": 1}', NULL),
    ('target', 'target_once', '{}', '{"target_id": 9003}', NULL),
    ('target', 'target_pkey', '{}', '{"plate": "HARBOR3"}', NULL),
    ('target', 'target_urgent', '{"urgent_number": 1, "urgent_day": "2026-01-01", "waits": true,
        "good_until": "2026-01-02 00:00Z"}', '{"target_id": 9003, "plate": "HARBOR3"}', NULL);
INSERT INTO attempt (relation, name, other, again)
SELECT relation, relation || '_pkey', '{}', '{}'
FROM unnest('{authority,cache_time,camera,checkpoint,client_network,consent_time,consent_token,correction,
             course,delivery,destruction_certificate,destruction_part,empty_reason,event,event_extension,
             event_member,event_step,evidence_kind,exemption,grace,image,job,legal_hold,log,mail_text,nexus,
             purge_certificate,purpose,rate_limit,recertification,relation,
             role_conflict,role_state,rules,schedule,schedule_step,
             search_limit,secret,setting,source,system,training}'::text[]) AS relation;
CREATE TEMP VIEW kept AS
SELECT c.relname::text AS relation, o.conname::text AS name, o.contype AS kind
FROM pg_constraint AS o JOIN pg_class AS c ON c.oid = o.conrelid
WHERE c.relnamespace = 'lpr_data'::regnamespace AND NOT c.relispartition AND o.contype IN ('c', 'f', 'p', 'u', 'x')
  AND o.conname <> 'change_pkey'
UNION ALL
SELECT c.relname, x.relname, 'i'
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid JOIN pg_class AS x ON x.oid = i.indexrelid
WHERE c.relnamespace = 'lpr_data'::regnamespace AND NOT c.relispartition AND i.indisunique
  AND NOT EXISTS (SELECT FROM pg_constraint AS o WHERE o.conindid = i.indexrelid AND o.contype IN ('p', 'u', 'x'));

-- test/mutants looks at the attempts on one table only, with the one constraint gone.
\if :{?only}
DELETE FROM attempt WHERE relation <> :'only';
\endif

-- The constraint that refuses it, or what happens else.
CREATE FUNCTION pg_temp.refuser(VARIADIC statements text[])
    RETURNS text
    LANGUAGE plpgsql
AS $$
DECLARE
    name text;
BEGIN
    PERFORM pg_temp.run(VARIADIC statements);
    RAISE EXCEPTION 'taken';
EXCEPTION
    WHEN deadlock_detected THEN -- a worker of lpr's was at it, which takes locks in another order
        RETURN pg_temp.refuser(VARIADIC statements);
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS name = CONSTRAINT_NAME;
        RETURN coalesce(nullif(name, ''), sqlerrm);
END
$$;
-- Functions depend on some of the unique ones (ON CONFLICT), so those are made to be no longer unique.
CREATE FUNCTION pg_temp.without(relation text, name text)
    RETURNS text
    LANGUAGE sql
RETURN CASE WHEN EXISTS (SELECT FROM kept AS k WHERE k.name = without.name AND k.kind IN ('c', 'f'))
            THEN format('ALTER TABLE lpr_data.%I DROP CONSTRAINT IF EXISTS %I', relation, name)
            ELSE format('UPDATE pg_index SET indisunique = false WHERE indexrelid = to_regclass(%L)',
                        format('lpr_data.%I', name)) END;
CREATE TEMP TABLE outcome AS
SELECT a.relation, a.name, coalesce(a.other::text, a.statement) AS attempt,
       pg_temp.refuser(VARIADIC b.before || b.statements) AS refused_by,
       pg_temp.refuser(VARIADIC b.before || pg_temp.without(a.relation, a.name) || b.statements) AS without_it
FROM attempt AS a
CROSS JOIN LATERAL (SELECT ARRAY(SELECT pg_temp.without(a.relation, w) FROM unnest(a.without) AS w) AS before,
                           CASE WHEN a.statement IS NOT NULL THEN ARRAY[a.statement]
                                ELSE ARRAY[pg_temp.adds(a.relation, a.other)]
                                     || CASE WHEN a.again IS NOT NULL
                                             THEN ARRAY[pg_temp.adds(a.relation, a.other || a.again)] END
                           END AS statements) AS b
ORDER BY a.relation, a.name;

\if :{?only}
SELECT CASE WHEN bool_or(refused_by <> name) THEN 'noticed' ELSE 'unnoticed' END AS mutant FROM outcome;
\quit
\endif
-- No rows from here on.
-- What is not refused by the constraint that it is against:
SELECT relation, name, attempt, refused_by FROM outcome WHERE refused_by <> name;
-- What is refused without it too, so that its own refusal shows nothing:
SELECT relation, name, attempt, without_it FROM outcome WHERE without_it <> 'taken';
-- Constraints without an attempt, and attempts on what is no constraint:
SELECT relation, name FROM kept EXCEPT SELECT relation, name FROM attempt;
SELECT relation, name FROM attempt EXCEPT SELECT relation, name FROM kept;
-- Tables without a row here:
SELECT c.relname FROM pg_class AS c
WHERE c.relnamespace = 'lpr_data'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition
  AND c.relname NOT IN (SELECT relation FROM good);
SELECT count(*) > 200 AS constraints FROM kept;
ROLLBACK;
