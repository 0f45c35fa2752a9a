-- 66-alert: what vendors push, handed in by a service (D1). Only what is watched at that moment becomes hits; the rest
-- is counted, and kept nowhere. The service learns nothing of what is watched.

CREATE TABLE lpr_data.alert (
    source text COLLATE "C" NOT NULL,
    signature bytea NOT NULL CHECK (octet_length(signature) = 32),
    signed_at timestamp with time zone NOT NULL,
    taken_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT taken_once PRIMARY KEY (source, signature),
    CONSTRAINT within_five_minutes CHECK (signed_at BETWEEN taken_at - interval '5 minutes'
                                                        AND taken_at + interval '5 minutes')
);
-- A dump is older than what would be taken again.
SELECT pg_catalog.pg_extension_config_dump('lpr_data.alert', 'WHERE false');
CREATE INDEX alert_signed ON lpr_data.alert (signed_at);
COMMENT ON TABLE lpr_data.alert IS
    'Alerts that were taken within the last minutes, by their signatures: nothing else is left of them. An older one '
    'is refused by its time.';
COMMENT ON COLUMN lpr_data.alert.source IS 'The vendor.';
COMMENT ON COLUMN lpr_data.alert.signature IS 'The vendor''s, under a secret that the database does not hold.';
COMMENT ON COLUMN lpr_data.alert.signed_at IS 'When the vendor signed it.';
COMMENT ON COLUMN lpr_data.alert.taken_at IS 'When it was handed in.';

CREATE FUNCTION lpr_data.alert_signed_at(source text, body bytea, signature text)
    RETURNS timestamp with time zone
    LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'lpr_alert_signed_at';
COMMENT ON FUNCTION lpr_data.alert_signed_at(text, bytea, text) IS
    'When the vendor of a source signed an alert; NULL when it did not. signature: the seconds since 1970, "|", and in '
    'hexadecimal HMAC-SHA-256 of body, "|" and these seconds, under the secret SOURCE.alert.';

CREATE FUNCTION lpr_data.take_alert(source text, body bytea)
    RETURNS bigint
    LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'lpr_alert_take';
COMMENT ON FUNCTION lpr_data.take_alert(text, bytea) IS
    'How many reads an alert holds; those of watched plates become hits. NULL: it is no page of the source''s dialect.';

CREATE FUNCTION lpr_data.feeding(source text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.check_isolation();
    IF NOT EXISTS (SELECT FROM lpr_data.person AS p WHERE p.person_id = lpr_data.me() AND p.kind = 'service') THEN
        PERFORM lpr_data.refuse('D1', 'LP033', format('login %s hands in no alerts', lpr.login()),
                                'What vendors push is handed in by a program, under a login that is registered as a '
                                'service.',
                                'Ask an administrator: SELECT lpr.add_person(..., kind => ''service'').');
    END IF;
    PERFORM lpr_data.check_private();
    IF NOT EXISTS (SELECT FROM lpr_data.open_sources(clock_timestamp()) AS s
                   WHERE s.source = feeding.source COLLATE "C") THEN
        PERFORM lpr_data.refuse('Q10', 'LP003', format('source "%s" is not enabled', coalesce(source, 'NULL')),
                                'Nothing is taken from a source before its privacy assessment is on record as approved '
                                'and published.',
                                'SELECT source, enabled FROM lpr.sources;');
    END IF;
    IF NOT EXISTS (SELECT FROM pg_foreign_server AS f JOIN pg_roles AS r ON r.rolname = lpr.login()::name
                   WHERE f.srvname = feeding.source::name AND has_server_privilege(r.oid, f.oid, 'USAGE')) THEN
        PERFORM lpr_data.refuse('Q10', 'LP004', format('source "%s" is not granted to this service', source),
                                'A service hands in what the vendors push that it was granted.',
                                format('Ask an administrator: GRANT USAGE ON FOREIGN SERVER %I TO %I;', source,
                                       lpr.login()));
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.feeding(text) IS
    'Refuses who may not hand in alerts of a source. Errors LP033 (no service), LP023, LP003, LP004.';

CREATE FUNCTION lpr.deliver_alert(source text, body bytea, signature text)
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    signed timestamptz;
    told bigint;
BEGIN
    PERFORM lpr_data.feeding(source);
    IF octet_length(body) > 1048576 THEN
        PERFORM lpr_data.refuse('D1', 'LP070', format('an alert of source "%s" has %s bytes', source,
                                                      octet_length(body)),
                                'An alert has one megabyte at the most.',
                                'Hand in what the vendor pushed as it came, one alert a call.');
    END IF;
    signed := lpr_data.alert_signed_at(source, body, signature);
    IF signed IS NULL THEN
        PERFORM lpr_data.refuse('D1', 'LP071', format('an alert of source "%s" is not signed by its vendor', source),
                                'The signature is the seconds since 1970, "|", and HMAC-SHA-256 of body, "|" and these '
                                'seconds, in hexadecimal.',
                                format('Hand in body and signature as they came. Secret "%s.alert" of '
                                       'lpr.secret_directory is the one that the vendor signs with.', source));
    END IF;
    IF signed NOT BETWEEN clock_timestamp() - interval '5 minutes' AND clock_timestamp() + interval '5 minutes' THEN
        PERFORM lpr_data.refuse('D1', 'LP072', format('an alert of source "%s" was signed %s seconds from now', source,
                                                      round(extract(epoch FROM signed - clock_timestamp()))),
                                'What was signed more than five minutes ago, or later than now, is not taken: an old '
                                'alert may have been handed in before.',
                                'Hand alerts in as they come, and have the clocks set.');
    END IF;
    -- Another session that hands in the same waits for us, or we for it. What is older is refused by its time.
    DELETE FROM lpr_data.alert AS a
    WHERE (a.source, a.signature) IN (SELECT o.source, o.signature FROM lpr_data.alert AS o
                                      WHERE o.signed_at < clock_timestamp() - interval '11 minutes'
                                      FOR UPDATE SKIP LOCKED);
    INSERT INTO lpr_data.alert (source, signature, signed_at)
    VALUES (deliver_alert.source, decode(split_part(deliver_alert.signature, '|', 2), 'hex'), signed)
    ON CONFLICT ON CONSTRAINT taken_once DO NOTHING;
    IF NOT FOUND THEN
        PERFORM lpr_data.refuse('D1', 'LP073', format('this alert of source "%s" was handed in before', source),
                                'An alert is taken once.', 'Nothing is to be done: it has been taken.');
    END IF;
    told := lpr_data.take_alert(source, body);
    IF told IS NULL THEN
        PERFORM lpr_data.refuse('D1', 'LP074', format('an alert of source "%s" cannot be read', source),
                                'It is no page of reads as the dialect of the source has them. What it holds is not '
                                'repeated here.',
                                'SELECT source, dialect FROM lpr.sources;');
    END IF;
    RETURN told;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.deliver_alert(text, bytea, text) TO lpr_member;
COMMENT ON FUNCTION lpr.deliver_alert(text, bytea, text) IS
    'A service hands in what the vendor of a source pushed (D1): body as it came, a page of reads of the source''s '
    'dialect, at most 1 MB; signature as it came: seconds since 1970, "|", and in hexadecimal HMAC-SHA-256 of body, '
    '"|" and these seconds under the secret SOURCE.alert, at most five minutes old, each once. Reads of plates that '
    'are watched at that moment become hits; the others are counted on record, and kept nowhere. Returns how many '
    'reads it held: not which of them are watched. Pass body as a parameter: texts of statements end in logs. Errors '
    'LP033 (no registered service), LP023, LP003, LP004 (the source), LP070 (too large), LP071 (not signed), LP072 '
    '(the clock), LP073 (a second time), LP074 (no page of reads).';
