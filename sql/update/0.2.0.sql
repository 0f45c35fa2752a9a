-- What version 0.2.0 has otherwise, and no topic can bring about by itself.

-- Answers that are in the cache have no version: they are asked anew, and nothing is saved from them.
ALTER TABLE lpr_data.cache_answer ADD digest_version smallint, ADD seed bytea, ADD shown bigint,
    ADD dropped jsonb, ADD odd_value jsonb, ADD places integer[];

-- Reads that were saved before are of version 1, whose leaf has no details.
ALTER TABLE lpr_data.event_read ADD details bytea CHECK (octet_length(details) = 32),
    ADD salt bytea CHECK (octet_length(salt) = 16);
DROP FUNCTION lpr_data.shown_reads(bigint, text, text[]);
DROP FUNCTION lpr.event_reads(bigint, boolean);

-- A camera may be placed by its address; what was shown so far had a point. Images have a table of their own.
ALTER TABLE lpr.reads ALTER latitude DROP NOT NULL, ALTER longitude DROP NOT NULL, ADD place_certainty text NOT NULL,
    ADD caveat text NOT NULL, ADD has_images boolean NOT NULL, DROP plate_image, DROP vehicle_image;
ALTER TABLE lpr_data.cache_read ALTER latitude DROP NOT NULL, ALTER longitude DROP NOT NULL;
ALTER TABLE lpr_data.event_read ALTER latitude DROP NOT NULL, ALTER longitude DROP NOT NULL,
    ADD place_certainty text NOT NULL DEFAULT 'point' CHECK (place_certainty IN ('point', 'border', 'address'));
DROP FUNCTION lpr_data.fetch_images(text, text[]);

-- A save says what ties its reads to the mission, and why images are needed; nobody was asked so far.
ALTER TABLE lpr_data.event_read ADD why_images text CHECK (why_images ~ '[^[:space:]]'
                                                           AND char_length(why_images) <= 4000);
DROP FUNCTION lpr.save(bigint, text, text[], text, boolean, text[]);
DROP FUNCTION lpr.save_each(bigint, text, jsonb, boolean, text[]);
DROP FUNCTION lpr_data.save_reads(bigint, text, text[], text[], text[], boolean);

-- Events of people who have left wait for an owner; grants of theirs are suspended by an administrator's step.
ALTER TABLE lpr_data.event ADD waits_since timestamp with time zone;
ALTER TABLE lpr_data.access_step DROP CONSTRAINT access_step_step_check,
    ADD CONSTRAINT access_step_step_check CHECK (step IN ('requester', 'supervisor', 'system_owner', 'oversight',
                                                          'administrator'));
DROP FUNCTION lpr.retire_person(text);

-- What the free texts of a row are hashed with. Texts that were longer than they may be now stay.
ALTER TABLE lpr_data.access ADD text_salt bytea NOT NULL DEFAULT pg_catalog.uuid_send(pg_catalog.gen_random_uuid());
ALTER TABLE lpr_data.access_step ADD text_salt bytea NOT NULL
    DEFAULT pg_catalog.uuid_send(pg_catalog.gen_random_uuid());
ALTER TABLE lpr_data.training ADD text_salt bytea NOT NULL DEFAULT pg_catalog.uuid_send(pg_catalog.gen_random_uuid());
ALTER TABLE lpr_data.event ADD text_salt bytea NOT NULL DEFAULT pg_catalog.uuid_send(pg_catalog.gen_random_uuid());
ALTER TABLE lpr_data.event_extension ADD text_salt bytea NOT NULL
    DEFAULT pg_catalog.uuid_send(pg_catalog.gen_random_uuid());
ALTER TABLE lpr_data.recertification ADD text_salt bytea NOT NULL
    DEFAULT pg_catalog.uuid_send(pg_catalog.gen_random_uuid());
ALTER TABLE lpr_data.correction ADD text_salt bytea NOT NULL DEFAULT pg_catalog.uuid_send(pg_catalog.gen_random_uuid());
-- A plate is corrected by two; what one corrected waits for a second person.
ALTER TABLE lpr_data.correction ADD confirmed_at timestamp with time zone,
    ADD confirmed_by integer REFERENCES lpr_data.person,
    ADD confirm_reason text CHECK (confirm_reason ~ '[^[:space:]]' AND char_length(confirm_reason) <= 4000),
    ADD CONSTRAINT confirmed_by_somebody_else CHECK (confirmed_by <> person_id),
    ADD CONSTRAINT confirmed_as_a_whole CHECK (num_nulls(confirmed_at, confirmed_by, confirm_reason) IN (0, 3));
ALTER TABLE lpr_data.legal_hold ADD text_salt bytea NOT NULL DEFAULT pg_catalog.uuid_send(pg_catalog.gen_random_uuid());
ALTER TABLE lpr_data.destruction_certificate ADD text_salt bytea NOT NULL
    DEFAULT pg_catalog.uuid_send(pg_catalog.gen_random_uuid());
ALTER TABLE lpr_data.destruction_certificate ADD reasons bigint NOT NULL DEFAULT 0;
ALTER TABLE lpr_data.mail ADD text_salt bytea NOT NULL DEFAULT pg_catalog.uuid_send(pg_catalog.gen_random_uuid());

-- Who acts in another's stead is on record with that one.
ALTER TABLE lpr_data.access_step ADD acted_for integer REFERENCES lpr_data.person,
    ADD CONSTRAINT for_somebody_else CHECK (acted_for <> person_id);
ALTER TABLE lpr_data.recertification ADD acted_for integer REFERENCES lpr_data.person,
    ADD CONSTRAINT for_somebody_else CHECK (acted_for NOT IN (lead_id, person_id));
DROP FUNCTION lpr_data.add_step(bigint, text, text, integer, text);
DROP FUNCTION lpr_data.deciding_step(lpr_data.access);

-- The same view under a name that says what it holds.
ALTER VIEW lpr_data.sight RENAME TO visible_event;

-- 15-source
-- The sources that there are have images as well. Their tables are the site's, as those of lpr.reads are.
DO $$
DECLARE
    of_source record;
BEGIN
    FOR of_source IN
        SELECT s.name, f.srvname FROM lpr_data.source AS s
        JOIN pg_catalog.pg_foreign_server AS f ON f.srvname = s.name::name
        WHERE pg_catalog.to_regclass(pg_catalog.format('lpr_data.%I', 'reads_' || s.name)) IS NOT NULL
    LOOP
        EXECUTE pg_catalog.format('CREATE FOREIGN TABLE lpr_data.%I PARTITION OF lpr.images FOR VALUES IN (%L) '
                                  'SERVER %I', 'images_' || of_source.name, of_source.name, of_source.srvname);
        EXECUTE pg_catalog.format('COMMENT ON FOREIGN TABLE lpr_data.%I IS %L', 'images_' || of_source.name,
                                  pg_catalog.format('The reads of source %s with their images, asked over the network.',
                                                    of_source.name));
        EXECUTE pg_catalog.format('ALTER EXTENSION lpr DROP FOREIGN TABLE lpr_data.%I', 'images_' || of_source.name);
    END LOOP;
END
$$;
ALTER TABLE lpr_data.camera ALTER latitude DROP NOT NULL, ALTER longitude DROP NOT NULL,
    ADD CONSTRAINT camera_has_place CHECK (CASE WHEN latitude IS NULL AND longitude IS NULL
                                                THEN address IS NOT NULL AND region IS NOT NULL
                                                ELSE latitude IS NOT NULL AND longitude IS NOT NULL END);
DROP FUNCTION lpr_data.judge_place(text, text, double precision, double precision);
-- Sources were enabled without a day of publication; those are asked for thirty days more.
ALTER TABLE lpr_data.source ADD published_on date CONSTRAINT published_on_a_day CHECK (isfinite(published_on)),
    ADD refreshed_at timestamp with time zone CONSTRAINT refreshed_at_a_moment CHECK (isfinite(refreshed_at));
DROP FUNCTION lpr_data.check_approval(text, date);
DROP FUNCTION lpr.add_source(text, text, text, text, text, date, text, jsonb, name[]);
DROP FUNCTION lpr.approve_source(text, text, date);

-- 20-search
DROP FUNCTION lpr.search_vehicle(text, text, text, timestamptz, timestamptz, bigint, boolean);
DROP FUNCTION lpr.last_query();

-- 30-audit
DROP TRIGGER number_change ON lpr_data.change;
DROP FUNCTION lpr_data.number_change();
DROP FUNCTION lpr_data.audit_changes_of(regclass, text[]);

-- Of what people typed nothing is gathered any more (lpr_data.audit_changes_of). What was, goes.
DELETE FROM pg_catalog.pg_statistic AS s USING pg_catalog.pg_class AS c, pg_catalog.pg_attribute AS a
WHERE c.oid = s.starelid AND c.relnamespace = 'lpr_data'::pg_catalog.regnamespace AND a.attrelid = s.starelid
  AND a.attnum = s.staattnum AND a.atttypid = 'pg_catalog.text'::pg_catalog.regtype;

-- 31-audit-read
-- As lpr_data.guard() does now. What was gathered goes.
DO $$
DECLARE
    log_table regclass;
BEGIN
    FOR log_table IN
        SELECT to_regclass('lpr_data.audit') WHERE to_regclass('lpr_data.audit') IS NOT NULL
        UNION ALL
        SELECT i.inhrelid FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = to_regclass('lpr_data.audit')
    LOOP
        EXECUTE pg_catalog.format('ALTER TABLE %s ALTER payload SET STATISTICS 0', log_table);
    END LOOP;
    FOR log_table IN
        SELECT c.oid FROM pg_catalog.pg_class AS c
        WHERE c.relowner = 'lpr_log'::pg_catalog.regrole AND c.relkind IN ('r', 'p')
    LOOP
        EXECUTE pg_catalog.format('GRANT SELECT ON %s TO lpr_verb', log_table);
        -- The log is no member, and what is granted here is noted as if it were: no dump would hold it. Of what ceases
        -- to be one nothing is noted any more.
        EXECUTE pg_catalog.format('ALTER EXTENSION lpr ADD TABLE %s', log_table);
        EXECUTE pg_catalog.format('ALTER EXTENSION lpr DROP TABLE %s', log_table);
    END LOOP;
    DELETE FROM pg_catalog.pg_statistic AS s USING pg_catalog.pg_attribute AS a
    WHERE a.attrelid = s.starelid AND a.attnum = s.staattnum AND a.attname = 'payload'
      AND (s.starelid IN (to_regclass('lpr_data.audit'), to_regclass('lpr_data.change'))
           OR s.starelid IN (SELECT i.inhrelid FROM pg_catalog.pg_inherits AS i
           WHERE i.inhparent = to_regclass('lpr_data.audit')));
END
$$;

-- 40-person
-- People were registered without a personnel number; that is let pass for thirty days.
INSERT INTO lpr_data.grace (what) SELECT 'sources' WHERE EXISTS (SELECT FROM lpr_data.person);
INSERT INTO lpr_data.grace (what) SELECT 'personnel_numbers' WHERE EXISTS (SELECT FROM lpr_data.person);
ALTER TABLE lpr_data.person ADD personnel_hash bytea
    CONSTRAINT personnel_hash_is_one CHECK (octet_length(personnel_hash) = 32);
ALTER TABLE lpr_data.person ADD gone_at timestamp with time zone,
    ADD CONSTRAINT gone_is_bare CHECK (gone_at IS NULL
                                       OR left_at IS NOT NULL AND name = 'destroyed' AND email = 'destroyed@invalid'
                                          AND unit = 'destroyed' AND num_nonnulls(supervisor_id, personnel_hash) = 0);
DROP FUNCTION lpr.add_person(text, text, text, text, text, text);
DROP FUNCTION lpr.change_person(text, text, text, text, text, text);

-- 41-access
-- As it comes now: in letters that a client of any encoding can show. The words are the same.
UPDATE lpr_data.system SET name = pg_catalog.replace(name, pg_catalog.chr(8211), '-') WHERE shipped;
ALTER TABLE lpr_data.access_step DROP CONSTRAINT access_step_access_id_fkey,
    ADD CONSTRAINT access_step_access_id_fkey FOREIGN KEY (access_id) REFERENCES lpr_data.access ON DELETE CASCADE;
INSERT INTO lpr_data.system (system, name, records, shipped) VALUES ('TECS', 'TECS', 'TECS', true)
ON CONFLICT DO NOTHING;
-- To watch plates is a mode of its own.
ALTER TABLE lpr_data.access DROP CONSTRAINT access_modes_check,
    ADD CONSTRAINT access_modes_check
        CHECK (cardinality(modes) > 0 AND modes <@ '{plate,location,vehicle,display}');

-- 42-training
-- Two courses more are demanded. Who had access has thirty days for them; what was recorded without evidence stays.
INSERT INTO lpr_data.grace (what) SELECT 'courses' WHERE EXISTS (SELECT FROM lpr_data.person);
ALTER TABLE lpr_data.course DISABLE TRIGGER refuse_rewrite; -- until its topic
INSERT INTO lpr_data.course (code, title, shipped)
VALUES ('integrity_awareness', 'Integrity awareness', true),
       ('lpr_policy', 'License plate reader policy: privacy, civil rights and civil liberties', true)
ON CONFLICT ON CONSTRAINT course_pkey DO UPDATE SET title = excluded.title, required = true, shipped = true;
ALTER TABLE lpr_data.course DROP CONSTRAINT demanded_is_required,
    ADD CONSTRAINT demanded_is_required CHECK (required
                                               OR code NOT IN ('data_security', 'privacy', 'information_assurance',
                                                               'records_management', 'integrity_awareness',
                                                               'lpr_policy'));

-- 43-consent
-- Until somebody says otherwise people connect as before, from anywhere: lpr.security_report() tells.
INSERT INTO lpr_data.client_network (network, kind) VALUES ('0.0.0.0/0', 'direct'), ('::/0', 'direct');
DROP FUNCTION lpr_data.agree(integer);
DROP FUNCTION lpr_data.consent_code(integer), lpr_data.take_code(text);
DROP FUNCTION lpr.set_rules(text);
ALTER TABLE lpr_data.rules ADD system text COLLATE "C" REFERENCES lpr_data.system;
ALTER TABLE lpr_data.rules DISABLE TRIGGER refuse_rewrite; -- until its topic
UPDATE lpr_data.rules SET text = pg_catalog.replace(text, pg_catalog.chr(8211), '-')
WHERE version = 1 AND author IS NULL;
DROP VIEW lpr.my_access; -- reads the functions that go
DROP FUNCTION lpr_data.session();
DROP FUNCTION lpr_data.agreed();

-- 44-event
DROP FUNCTION lpr_data.set_work(bigint);
DROP FUNCTION lpr.add_member(bigint, text), lpr.remove_member(bigint, text);
DROP FUNCTION lpr.close_event(bigint, text);
-- What belongs to an event goes with it.
ALTER TABLE lpr_data.event_member DROP CONSTRAINT event_member_event_id_fkey,
    ADD CONSTRAINT event_member_event_id_fkey FOREIGN KEY (event_id) REFERENCES lpr_data.event ON DELETE CASCADE;
ALTER TABLE lpr_data.event_extension DROP CONSTRAINT event_extension_event_id_fkey,
    ADD CONSTRAINT event_extension_event_id_fkey FOREIGN KEY (event_id) REFERENCES lpr_data.event ON DELETE CASCADE;
ALTER TABLE lpr_data.save DROP CONSTRAINT save_event_id_fkey,
    ADD CONSTRAINT save_event_id_fkey FOREIGN KEY (event_id) REFERENCES lpr_data.event ON DELETE CASCADE;
ALTER TABLE lpr_data.legal_hold DROP CONSTRAINT legal_hold_event_id_fkey,
    ADD CONSTRAINT legal_hold_event_id_fkey FOREIGN KEY (event_id) REFERENCES lpr_data.event ON DELETE CASCADE;
ALTER TABLE lpr_data.destruction_part DROP CONSTRAINT destruction_part_event_id_fkey;

-- 45-limits
-- A place is what reads at an address, and a vehicle is asked for within one (Q2); plates are counted, not questions
-- (Q8). What one administrator set wider than the limits come now, they narrow to that: it takes two.
DROP VIEW lpr.limits;
DROP FUNCTION lpr.set_search_limit(text, double precision, interval, integer, integer);
DROP FUNCTION lpr.set_rate_limit(text, text, integer);
ALTER TABLE lpr_data.search_limit ADD plates integer NOT NULL DEFAULT 500, ADD request_id bigint,
    DROP CONSTRAINT place_has_area;
ALTER TABLE lpr_data.rate_limit ADD plates integer DEFAULT 2000, ADD request_id bigint;
DO $$
DECLARE
    limited record;
BEGIN
    FOR limited IN
        SELECT s.mode, s.shipped, s.radius_m, s.span, s.reads, w.radius_m AS new_radius_m, w.span AS new_span,
               w.reads AS new_reads
        FROM lpr_data.search_limit AS s
        JOIN (VALUES ('location', 1000::double precision, interval '90 days', 10000),
                     ('vehicle', 5000, '30 days', 10000)) AS w (mode, radius_m, span, reads) ON w.mode = s.mode
        WHERE (s.radius_m <= w.radius_m AND s.span <= w.span AND s.reads <= w.reads AND s.address_length >= 8)
              IS NOT TRUE
        ORDER BY s.mode
    LOOP
        UPDATE lpr_data.search_limit AS s
        SET radius_m = least(s.radius_m, limited.new_radius_m),
            span = least(s.span, limited.new_span),
            reads = least(s.reads, limited.new_reads),
            address_length = greatest(s.address_length, 8)
        WHERE s.mode = limited.mode;
        RAISE WARNING USING
            MESSAGE = pg_catalog.format('the limit of searches by %s is narrower now', limited.mode),
            DETAIL = pg_catalog.format('It was %s, %s and %s reads, and is no more than %s metres, %s and %s reads.',
                                       coalesce(limited.radius_m || ' metres', 'the whole country'), limited.span,
                                       limited.reads, limited.new_radius_m, limited.new_span, limited.new_reads),
            HINT = 'Two people widen it: lpr.set_search_limit(..., reason => ...), lpr.approve_limit(...).';
    END LOOP;
    FOR limited IN
        SELECT r.name, r.questions, w.questions AS most
        FROM lpr_data.rate_limit AS r
        JOIN (VALUES ('person_hour', 10000), ('person_day', 40000), ('event_hour', 20000), ('event_day', 80000))
            AS w (name, questions) ON w.name = r.name
        WHERE NOT r.shipped AND r.questions > w.questions
        ORDER BY r.name
    LOOP
        RAISE WARNING USING
            MESSAGE = pg_catalog.format('the limit "%s" is narrower now', limited.name),
            DETAIL = pg_catalog.format('It was %s questions, and is %s plates.', limited.questions, limited.most),
            HINT = 'Two people widen it: lpr.set_rate_limit(..., reason => ...), lpr.approve_limit(...).';
    END LOOP;
    UPDATE lpr_data.rate_limit AS r
    SET questions = CASE WHEN r.shipped THEN w.questions ELSE least(r.questions, w.questions) END,
        plates = w.plates
    FROM (VALUES ('person_hour', 10000, NULL::integer), ('person_day', 40000, 2000), ('event_hour', 20000, NULL),
                 ('event_day', 80000, 4000)) AS w (name, questions, plates)
    WHERE w.name = r.name;
END
$$;

-- 46-reason
ALTER TABLE lpr_data.search_limit ALTER radius_m SET NOT NULL,
    ADD CONSTRAINT search_limit_request_id_fkey FOREIGN KEY (request_id) REFERENCES lpr_data.limit_request,
    DROP CONSTRAINT search_limit_radius_m_check, DROP CONSTRAINT search_limit_address_length_check,
    DROP CONSTRAINT search_limit_span_check, DROP CONSTRAINT search_limit_reads_check,
    ADD CONSTRAINT search_limit_radius_m_check CHECK (radius_m BETWEEN 1 AND (lpr_data.hard_limits()).radius_m),
    ADD CONSTRAINT search_limit_address_length_check
        CHECK (address_length BETWEEN (lpr_data.hard_limits()).address_length AND 200),
    ADD CONSTRAINT search_limit_span_check CHECK (span > '0' AND span <= (lpr_data.hard_limits()).span),
    ADD CONSTRAINT search_limit_reads_check CHECK (reads BETWEEN 1 AND (lpr_data.hard_limits()).reads),
    ADD CONSTRAINT search_limit_plates_check CHECK (plates BETWEEN 1 AND (lpr_data.hard_limits()).plates);
ALTER TABLE lpr_data.rate_limit
    ADD CONSTRAINT rate_limit_request_id_fkey FOREIGN KEY (request_id) REFERENCES lpr_data.limit_request,
    DROP CONSTRAINT rate_limit_questions_check,
    ADD CONSTRAINT rate_limit_questions_check CHECK (questions BETWEEN 1 AND (lpr_data.hard_limits()).questions),
    ADD CONSTRAINT rate_limit_plates_check CHECK (plates BETWEEN 1 AND (lpr_data.hard_limits()).plates_a_day),
    ADD CONSTRAINT plates_are_shown_a_day CHECK (per = 'hour' OR plates IS NOT NULL);
INSERT INTO lpr_data.empty_reason (reason, shipped)
SELECT r, true
FROM pg_catalog.unnest('{relevant,relevance,image,images,photo,photos,picture,pictures,because,boss,told,me,so,today,
lorem,ipsum,dolor,sit,amet}'::text[]) AS r
ON CONFLICT DO NOTHING;

-- 50-gate
DROP FUNCTION lpr_data.asked(text, text, oid, bigint);
DROP FUNCTION lpr_data.gate(oid, boolean, boolean, boolean, boolean, integer, text, text, bigint, timestamptz,
    timestamptz, double precision, integer);

-- 60-cache
-- Of a table without storage it means nothing, and no statement changes it; but 18 refuses the word.
UPDATE pg_catalog.pg_class SET relpersistence = 'p'
WHERE oid IN ('lpr_data.cache_answer'::regclass, 'lpr_data.cache_read'::regclass);
-- As lpr_data.add_cache_hour() does now.
DO $$
DECLARE
    leaf regclass;
BEGIN
    FOR leaf IN
        SELECT i.inhrelid FROM pg_catalog.pg_inherits AS i
        WHERE i.inhparent IN ('lpr_data.cache_answer'::regclass, 'lpr_data.cache_read'::regclass)
        ORDER BY i.inhrelid
    LOOP
        EXECUTE pg_catalog.format('GRANT REFERENCES ON %s TO lpr_owner', leaf);
    END LOOP;
END
$$;

-- 61-saved
ALTER TABLE lpr_data.save ADD nexus text COLLATE "C" NOT NULL DEFAULT 'unstated' REFERENCES lpr_data.nexus;

-- 62-retention
DROP FUNCTION lpr.set_exemptions(text, text[]);

-- 63-destroy
-- Exemptions are of systems of records. Which vendor's were whose nobody knows: each has all of them.
INSERT INTO lpr_data.exemption (records, exemptions)
SELECT y.records, pg_catalog.array_agg(DISTINCT x.e)
FROM lpr_data.system AS y, lpr_data.source AS s, pg_catalog.unnest(s.exemptions) AS x (e)
GROUP BY y.records;
UPDATE lpr_data.source SET exemptions = '{}' WHERE exemptions <> '{}';

-- 70-mail
ALTER TABLE lpr_data.mail DROP CONSTRAINT mail_state_check, ADD CONSTRAINT mail_state_check
    CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'withheld'));
