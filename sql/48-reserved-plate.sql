-- 48-reserved-plate: plates of staff and household (P2). A question for one waits for a second person (48-release), and
-- nobody learns whose it is: plates and people stand here as hashes under a key outside the database, in rows that say
-- nothing else, and the log has no more of them than that one was added or removed.

CREATE TABLE lpr_data.reserved_plate (
    plate_hash bytea NOT NULL CHECK (octet_length(plate_hash) = 32),
    owner_hash bytea NOT NULL CHECK (octet_length(owner_hash) = 32),
    PRIMARY KEY (plate_hash, owner_hash)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.reserved_plate', '');
SELECT lpr_data.audit_changes_of('lpr_data.reserved_plate', without => '{plate_hash,owner_hash}');
ALTER TABLE lpr_data.reserved_plate ALTER plate_hash SET STATISTICS 0, ALTER owner_hash SET STATISTICS 0;
CREATE INDEX reserved_plate_owner ON lpr_data.reserved_plate (owner_hash);
COMMENT ON TABLE lpr_data.reserved_plate IS
    'Plates of staff and household, as keyed hashes: a question for one waits for a second person (P2). Besides the '
    'hash of nothing, by which the key is known again.';
COMMENT ON COLUMN lpr_data.reserved_plate.plate_hash IS
    'lpr_data.keyed_hash() of lpr_data.plate_shape() of the plate: who asks for one that readers take for it is '
    'answered with it as well.';
COMMENT ON COLUMN lpr_data.reserved_plate.owner_hash IS
    'lpr_data.keyed_hash() of the person that it was registered for, so that they, and nobody else, take it out again.';

CREATE FUNCTION lpr_data.keyed_hashes(kind text, "values" text[])
    RETURNS bytea[]
    LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'lpr_keyed_hashes';
COMMENT ON FUNCTION lpr_data.keyed_hashes(text, text[]) IS
    'lpr_data.keyed_hash() of each of several values, in their order; NULL when there is no key.';

CREATE FUNCTION lpr_data.plate_key(plate text)
    RETURNS text
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
RETURN encode(lpr_data.keyed_hash('plate', lpr_data.plate_shape(plate)), 'hex');
COMMENT ON FUNCTION lpr_data.plate_key(text) IS 'What the release of a plate in normal form is kept under.';

CREATE FUNCTION lpr_data.hashes_of(plates text[])
    RETURNS bytea[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    hashes bytea[];
BEGIN
    -- The hash of nothing stands there as well: when it is not found, it is another key.
    hashes := lpr_data.keyed_hashes('plate', ARRAY(SELECT lpr_data.plate_shape(p.plate)
                                                   FROM unnest(plates) WITH ORDINALITY AS p (plate, place)
                                                   ORDER BY p.place) || ''::text);
    RETURN CASE WHEN EXISTS (SELECT FROM lpr_data.reserved_plate AS r
                             WHERE r.plate_hash = hashes[cardinality(hashes)])
                THEN trim_array(hashes, 1) END;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL; -- the file is unsafe: the gate refuses, and does not fail
END
$$;
COMMENT ON FUNCTION lpr_data.hashes_of(text[]) IS
    'What these plates, in normal form, would stand under in lpr_data.reserved_plate; NULL when there is no key, or '
    'another one than when plates were registered.';

CREATE FUNCTION lpr_data.plate_that_waits(event_id bigint, plates text[], moment timestamp with time zone)
    RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    hashes bytea[];
BEGIN
    IF NOT EXISTS (SELECT FROM lpr_data.reserved_plate) THEN
        RETURN NULL;
    END IF;
    hashes := lpr_data.hashes_of(plates);
    IF hashes IS NULL THEN
        RETURN plates[1]; -- each of them could be one
    END IF;
    RETURN (SELECT plates[h.place] FROM unnest(hashes) WITH ORDINALITY AS h (hash, place)
            WHERE EXISTS (SELECT FROM lpr_data.reserved_plate AS r WHERE r.plate_hash = h.hash)
              AND NOT lpr_data.released(plate_that_waits.event_id, 'plate', encode(h.hash, 'hex'), moment)
            ORDER BY h.place LIMIT 1);
END
$$;
COMMENT ON FUNCTION lpr_data.plate_that_waits(bigint, text[], timestamp with time zone) IS
    'The first of these plates, in normal form, that waits for a second person and that nobody has released for the '
    'event (P2); NULL = none. Without the key: the first.';

CREATE FUNCTION lpr_data.owner_hash(person_id integer)
    RETURNS bytea
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
RETURN (lpr_data.keyed_hashes('plate_owner', ARRAY[owner_hash.person_id::text]))[1];
COMMENT ON FUNCTION lpr_data.owner_hash(integer) IS
    'What a person is known again by as the owner of a reserved plate; NULL when there is no key.';

CREATE FUNCTION lpr_data.is_own_plate(person_id integer, kind text, key text)
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN kind = 'plate' AND EXISTS (SELECT FROM lpr_data.reserved_plate AS r
                                      WHERE encode(r.plate_hash, 'hex') = is_own_plate.key
                                        AND r.owner_hash = lpr_data.owner_hash(is_own_plate.person_id));
END
$$;
COMMENT ON FUNCTION lpr_data.is_own_plate(integer, text, text) IS
    'Whether a release is about a plate that is registered for this person, who is told nothing of it and has no say.';

CREATE FUNCTION lpr_data.is_about_me(kind text, key text)
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN coalesce(lpr_data.is_own_plate(lpr_data.me(), kind, key), false);
END
$$;
GRANT EXECUTE ON FUNCTION lpr_data.is_about_me(text, text) TO lpr_member;
COMMENT ON FUNCTION lpr_data.is_about_me(text, text) IS
    'The same for the person behind the authenticated login, for the policy of lpr_data.release.';

CREATE FUNCTION lpr_data.plate_owner(login text)
    RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.registered('P2');
BEGIN
    IF login IS NULL OR login = lpr.login() THEN
        IF NOT lpr_data.is_member(who, VARIADIC lpr_data.roles()) THEN
            PERFORM lpr_data.refuse('P2', 'LP033', format('login "%s" is not one person''s own', lpr.login()),
                                    'Plates of staff and household are registered by the person, under a personal '
                                    'login of a role of lpr, or by the privacy officer.',
                                    format('Ask %s.', lpr_data.whom('lpr_privacy', 'the privacy officer')));
        END IF;
        RETURN who;
    END IF;
    PERFORM lpr_data.acting('lpr_privacy', 'P2');
    RETURN lpr_data.person_of(login);
END
$$;
COMMENT ON FUNCTION lpr_data.plate_owner(text) IS
    'Whose plates are registered: one''s own, or by the privacy officer another''s. Errors LP024, LP033.';

CREATE FUNCTION lpr.add_reserved_plate(plate text, login text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner integer := lpr_data.plate_owner(login);
    hash_of_plate bytea;
    hash_of_owner bytea;
BEGIN
    PERFORM lpr_data.check_isolation();
    hash_of_plate := decode(lpr_data.plate_key(lpr.given(lpr.normal_plate(plate), 'plate')), 'hex');
    hash_of_owner := lpr_data.owner_hash(owner);
    PERFORM pg_advisory_xact_lock('lpr_data.reserved_plate'::regclass::bigint);
    IF NOT EXISTS (SELECT FROM lpr_data.reserved_plate) THEN
        INSERT INTO lpr_data.reserved_plate (plate_hash, owner_hash)
        VALUES (lpr_data.keyed_hash('plate', ''), lpr_data.keyed_hash('plate_owner', ''));
    ELSIF lpr_data.hashes_of('{}') IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'config_file_error',
            MESSAGE = 'the key of plates is another one than when the first was registered',
            DETAIL = 'With another key none of them would be found; each question for a plate waits meanwhile.',
            HINT = 'Put the file that lpr.identity_key names back as it was.';
    END IF;
    IF (SELECT count(*) >= 12 FROM lpr_data.reserved_plate AS r
        WHERE r.owner_hash = hash_of_owner) THEN
        PERFORM lpr_data.refuse('P2', '22023', 'too many plates are registered for one person',
                                'A person registers twelve at the most, of themselves and the household.',
                                'SELECT lpr.remove_reserved_plate(...); takes one out.');
    END IF;
    INSERT INTO lpr_data.reserved_plate (plate_hash, owner_hash) VALUES (hash_of_plate, hash_of_owner)
    ON CONFLICT DO NOTHING;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.add_reserved_plate(text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.add_reserved_plate(text, text) IS
    'Registers a plate of your own or of your household (P2): from the next question on who asks for it waits for a '
    'second person, and nobody learns whose it is. Kept as a keyed hash. login: of somebody else, by the privacy '
    'officer. Twelve a person. Errors LP033, LP011, 22023.';

CREATE FUNCTION lpr.remove_reserved_plate(plate text, login text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner integer := lpr_data.plate_owner(login);
BEGIN
    -- Whether there was one is not told: nobody finds out by trying.
    DELETE FROM lpr_data.reserved_plate AS r
    WHERE r.plate_hash = decode(lpr_data.plate_key(lpr.given(lpr.normal_plate(plate), 'plate')), 'hex')
      AND r.owner_hash = lpr_data.owner_hash(owner);
END
$$;
GRANT EXECUTE ON FUNCTION lpr.remove_reserved_plate(text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.remove_reserved_plate(text, text) IS
    'Takes a plate of your own out of those that wait for a second person (P2); whether it was one is not told. login: '
    'as of lpr.add_reserved_plate(). Errors LP033, LP011.';

CREATE FUNCTION lpr.my_reserved_plates()
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner integer := lpr_data.plate_owner(NULL);
BEGIN
    RETURN (SELECT count(*) FROM lpr_data.reserved_plate AS r WHERE r.owner_hash = lpr_data.owner_hash(owner));
END
$$;
GRANT EXECUTE ON FUNCTION lpr.my_reserved_plates() TO lpr_member;
COMMENT ON FUNCTION lpr.my_reserved_plates() IS
    'How many plates are registered for you (P2). Which ones cannot be told: they are kept as hashes.';
