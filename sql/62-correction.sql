-- 62-correction: what people find to be wrong in a saved read (G1). It stands beside what the vendor told, which stays;
-- a plate, or its region, takes two people: another plate is another vehicle.

CREATE TABLE lpr_data.correction (
    saved_id bigint NOT NULL REFERENCES lpr_data.event_read ON DELETE CASCADE,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    person_id integer NOT NULL REFERENCES lpr_data.person,
    field text COLLATE "C" NOT NULL CHECK (field IN ('plate', 'plate_region', 'make', 'model', 'color')),
    value text NOT NULL CHECK (value ~ '[^[:space:]]' AND value !~ '[[:cntrl:]]' AND char_length(value) <= 100),
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    text_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
    confirmed_at timestamp with time zone,
    confirmed_by integer REFERENCES lpr_data.person,
    confirm_reason text CHECK (confirm_reason ~ '[^[:space:]]' AND char_length(confirm_reason) <= 4000),
    PRIMARY KEY (saved_id, at),
    CONSTRAINT confirmed_by_somebody_else CHECK (confirmed_by <> person_id),
    CONSTRAINT confirmed_as_a_whole CHECK (num_nulls(confirmed_at, confirmed_by, confirm_reason) IN (0, 3))
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.correction', '');
SELECT lpr_data.audit_changes_of('lpr_data.correction', free => '{value,reason,confirm_reason}');
CREATE TRIGGER refuse_rewrite BEFORE UPDATE ON lpr_data.correction
    FOR EACH ROW EXECUTE FUNCTION lpr_data.refuse_rewrite('confirmed_at', 'confirmed_by', 'confirm_reason');
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON lpr_data.correction
    FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.refuse_rewrite();
ALTER TABLE lpr_data.correction ENABLE ALWAYS TRIGGER refuse_rewrite, ENABLE ALWAYS TRIGGER refuse_truncate;
COMMENT ON TABLE lpr_data.correction IS
    'What people found to be wrong in a saved read, beside the original, which stays (G1).';
COMMENT ON COLUMN lpr_data.correction.saved_id IS 'The saved read.';
COMMENT ON COLUMN lpr_data.correction.at IS 'When.';
COMMENT ON COLUMN lpr_data.correction.person_id IS 'By whom.';
COMMENT ON COLUMN lpr_data.correction.field IS 'plate, plate_region, make, model or color.';
COMMENT ON COLUMN lpr_data.correction.value IS 'What is right, in the form that lpr.reads has.';
COMMENT ON COLUMN lpr_data.correction.reason IS 'How that is known.';
COMMENT ON COLUMN lpr_data.correction.text_salt IS
    'What its free texts are hashed with for the audit log.';
COMMENT ON COLUMN lpr_data.correction.confirmed_at IS
    'When a second person found the same; without it a plate or a region is not corrected.';
COMMENT ON COLUMN lpr_data.correction.confirmed_by IS 'Who: another person.';
COMMENT ON COLUMN lpr_data.correction.confirm_reason IS 'How they know.';

CREATE FUNCTION lpr_data.takes_two(field text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN field IN ('plate', 'plate_region');
COMMENT ON FUNCTION lpr_data.takes_two(text) IS 'Whether the correction of a field takes two people (G1).';

CREATE FUNCTION lpr_data.corrections_of(saved_id bigint)
    RETURNS TABLE (field text, said jsonb)
    LANGUAGE sql STABLE -- no SET: the planner inlines it
AS $$
    -- The newest that counts, and a newer one that waits.
    SELECT f.field,
           coalesce((SELECT jsonb_build_object('value', c.value, 'why', c.reason, 'by', p.login)
                            || CASE WHEN c.confirmed_at IS NULL THEN '{}'
                                    ELSE jsonb_build_object('confirmed_by', b.login,
                                                            'why_confirmed', c.confirm_reason) END
                     FROM lpr_data.correction AS c
                     JOIN lpr_data.person AS p ON p.person_id = c.person_id
                     LEFT JOIN lpr_data.person AS b ON b.person_id = c.confirmed_by
                     WHERE c.saved_id = corrections_of.saved_id AND c.field = f.field
                       AND (c.confirmed_at IS NOT NULL OR NOT lpr_data.takes_two(c.field))
                     ORDER BY c.at DESC LIMIT 1), '{}')
           || coalesce((SELECT jsonb_build_object('proposed', c.value, 'why_proposed', c.reason, 'proposed_by', p.login,
                                                  'waits_for', 'a second person')
                        FROM (SELECT x.* FROM lpr_data.correction AS x
                              WHERE x.saved_id = corrections_of.saved_id AND x.field = f.field
                              ORDER BY x.at DESC LIMIT 1) AS c
                        JOIN lpr_data.person AS p ON p.person_id = c.person_id
                        WHERE c.confirmed_at IS NULL AND lpr_data.takes_two(c.field)), '{}')
    FROM (SELECT DISTINCT x.field FROM lpr_data.correction AS x WHERE x.saved_id = corrections_of.saved_id) AS f
$$;
COMMENT ON FUNCTION lpr_data.corrections_of(bigint) IS
    'What people found to be wrong in a saved read, a row a field, as corrected of lpr.event_reads() has it.';

CREATE FUNCTION lpr_data.normal_value(field text, value text)
    RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN CASE field WHEN 'plate' THEN lpr.normal_plate(value) WHEN 'plate_region' THEN lpr.normal_region(value)
            ELSE lpr.normal_word(value) END;
COMMENT ON FUNCTION lpr_data.normal_value(text, text) IS 'A value of a field in the form that lpr.reads has.';

CREATE FUNCTION lpr.correct(saved_id bigint, field text, value text, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.own_saved(saved_id, 'correct');
    PERFORM lpr_data.check_reason('reason', reason, 'G1');
    INSERT INTO lpr_data.correction (saved_id, person_id, field, value, reason)
    VALUES (correct.saved_id, lpr_data.me(), correct.field, lpr_data.normal_value(correct.field, correct.value),
            correct.reason);
    IF lpr_data.takes_two(field) THEN
        RAISE NOTICE USING
            MESSAGE = format('the %s stays as it is until a second person has found the same', field),
            HINT = format('Another owner or member of the event: SELECT lpr.confirm_correction(%s, %L, %L, '
                          '''...how you know...'');', saved_id, field, lpr_data.normal_value(field, value));
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.correct(bigint, text, text, text) TO lpr_user;
COMMENT ON FUNCTION lpr.correct(bigint, text, text, text) IS
    'Says what is wrong in a saved read of an event of your own: the right value stands beside the original, which '
    'stays (G1). field: plate, plate_region, make, model or color. A plate or a region is proposed, and another person '
    'confirms it: lpr.confirm_correction(). Errors LP041, LP043, LP011, LP012.';

CREATE FUNCTION lpr.confirm_correction(saved_id bigint, field text, value text, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    who integer := lpr_data.me();
    proposed lpr_data.correction;
BEGIN
    PERFORM lpr_data.own_saved(confirm_correction.saved_id, 'confirm a correction of');
    SELECT c.* INTO proposed FROM lpr_data.correction AS c
    WHERE c.saved_id = confirm_correction.saved_id AND c.field = confirm_correction.field COLLATE "C"
    ORDER BY c.at DESC LIMIT 1 FOR NO KEY UPDATE;
    IF (lpr_data.takes_two(proposed.field) AND proposed.confirmed_at IS NULL
        AND proposed.value = lpr_data.normal_value(confirm_correction.field, confirm_correction.value)) IS NOT TRUE THEN
        PERFORM lpr_data.refuse('G1', 'LP034',
                                format('no such correction of saved read %s waits', confirm_correction.saved_id),
                                'A second person confirms the newest correction of a plate or region, by the value '
                                'that they have found themselves.',
                                'lpr.event_reads(...) shows in corrected what is proposed; lpr.correct(...) proposes '
                                'another value.');
    END IF;
    IF proposed.person_id = who THEN
        PERFORM lpr_data.refuse('G1', 'LP033', 'you proposed this correction yourself',
                                'The correction of a plate or region takes two people.',
                                'Another owner or member of the event confirms it; lpr.add_member(...) adds one.');
    END IF;
    PERFORM lpr_data.check_reason('reason', confirm_correction.reason, 'G1', earlier => ARRAY[proposed.reason]);
    UPDATE lpr_data.correction AS c
    SET confirmed_at = clock_timestamp(), confirmed_by = who, confirm_reason = confirm_correction.reason
    WHERE c.saved_id = proposed.saved_id AND c.at = proposed.at;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.confirm_correction(bigint, text, text, text) TO lpr_user;
COMMENT ON FUNCTION lpr.confirm_correction(bigint, text, text, text) IS
    'A second person found the same plate or region in a saved read of an event of theirs, and says how they know '
    '(G1). value: what they found, which has to be what was proposed last. Errors LP041, LP033 (proposed by you), '
    'LP034 (nothing of the kind waits), LP043, LP011, LP012.';
