-- 46-reason: what is a reason, and what says nothing (Q7).

CREATE TABLE lpr_data.empty_reason (
    reason text COLLATE "C" PRIMARY KEY CHECK (reason ~ '^[a-z0-9]+( [a-z0-9]+)*$'),
    shipped boolean NOT NULL DEFAULT false
);
SELECT lpr_data.ships('lpr_data.empty_reason', 'reason');
SELECT lpr_data.audit_changes_of('lpr_data.empty_reason');
COMMENT ON TABLE lpr_data.empty_reason IS
    'Words and phrases that are not a reason; nor are several of them together (Q7).';
COMMENT ON COLUMN lpr_data.empty_reason.reason IS 'In lower case, letters and digits only, single blanks.';
COMMENT ON COLUMN lpr_data.empty_reason.shipped IS 'Whether it came with lpr.';
INSERT INTO lpr_data.empty_reason (reason, shipped)
SELECT r, true
FROM unnest(ARRAY['investigation', 'ongoing investigation', 'active investigation', 'criminal investigation',
                  'official investigation', 'investigative purposes',
                  'investigative', 'for investigation', 'case', 'ongoing case', 'case work', 'casework', 'official',
                  'official business', 'official use', 'official duty',
                  'official duties', 'law enforcement', 'law enforcement purpose', 'law enforcement purposes',
                  'enforcement', 'border security', 'na', 'n a', 'none',
                  'nothing', 'tbd', 'to be determined', 'to be decided', 'unknown', 'test', 'testing', 'query',
                  'search', 'lookup', 'look up', 'check', 'lpr', 'lpr search',
                  'lpr query', 'plate', 'plate check', 'vehicle', 'license plate', 'licence plate', 'work',
                  'work related', 'need to know', 'needed', 'required',
                  'as needed', 'see file', 'see case', 'see above', 'see title', 'same', 'same as above',
                  'same as before', 'as above', 'as before', 'ditto', 'other',
                  'misc', 'miscellaneous', 'general', 'intel', 'intelligence', 'per request', 'as requested',
                  'by request', 'supervisor request', 'reason', 'purpose',
                  'asdf', 'qwerty', 'xxx', 'abc', 'for', 'the', 'a', 'an', 'of', 'to', 'in', 'and', 'is', 'my', 'this',
                  'it', 'on', 'with', 'i', 'we', 'please',
                  'our', 'by', 'as', 'at', 'or', 'be', 'are', 'was', 'from', 'that', 'these', 'has', 'have', 'need',
                  'needs', 'use', 'used', 'duty', 'duties', 'ongoing', 'active',
                  'current', 'open', 'criminal', 'investigations', 'investigating', 'investigate', 'matter', 'matters',
                  'cases', 'file', 'see', 'above', 'below', 'before',
                  'request', 'requests', 'requested', 'supervisor', 'purposes', 'reasons', 'business', 'law', 'border',
                  'security', 'agency', 'necessary', 'important',
                  'urgent', 'asap', 'routine', 'lawful', 'authorized', 'legitimate', 'valid', 'information', 'data',
                  'reads', 'plates', 'vehicles', 'queries', 'searches',
                  'follow up', 'followup', 'activity', 'activities', 'related', 'relevant', 'relevance', 'image',
                  'images', 'photo', 'photos', 'picture', 'pictures', 'because', 'boss', 'told', 'me', 'so', 'today',
                  'lorem', 'ipsum', 'dolor', 'sit', 'amet']) AS r;

CREATE FUNCTION lpr_data.normal_reason(reason text)
    RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN btrim(regexp_replace(lower(reason), '[^[:alnum:]]+', ' ', 'g'));
COMMENT ON FUNCTION lpr_data.normal_reason(text) IS
    'A reason as it is compared: lower case, single blanks instead of everything that is no letter or digit.';

CREATE FUNCTION lpr_data.without(said text, phrase text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN phrase <> '' THEN replace(replace(said, ' ' || phrase || ' ', '  '), ' ' || phrase || ' ', '  ')
            ELSE said END;
COMMENT ON FUNCTION lpr_data.without(text, text) IS
    'What is left of a text without a phrase; both as lpr_data.normal_reason() gives them, the text between blanks.';

CREATE FUNCTION lpr_data.says_nothing(said text)
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rest text := ' ' || coalesce(lpr_data.normal_reason(said), '') || ' ';
    empty text;
BEGIN
    -- Long phrases first, so that none hides in another.
    FOR empty IN SELECT e.reason FROM lpr_data.empty_reason AS e WHERE rest LIKE '% ' || e.reason || ' %'
        ORDER BY length(e.reason) DESC, e.reason
    LOOP
        rest := lpr_data.without(rest, empty);
    END LOOP;
    RETURN btrim(rest) = '';
END
$$;
COMMENT ON FUNCTION lpr_data.says_nothing(text) IS 'Whether a text is made of lpr_data.empty_reason alone.';

CREATE FUNCTION lpr_data.check_reason(what text, reason text, control text, title text DEFAULT NULL,
                                      earlier text[] DEFAULT '{}')
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    said text := CASE WHEN char_length(reason) <= 4000 THEN lpr_data.normal_reason(reason) ELSE '' END;
    own text := ' ' || said || ' ';
    least_characters CONSTANT integer := 20;
    least_words CONSTANT integer := 4;
    before text;
    why text;
BEGIN
    PERFORM lpr_data.refuse_invisible(what, reason);
    IF char_length(reason) > 4000 THEN
        why := 'It has more than 4,000 characters.';
    ELSIF lpr_data.says_nothing(said) THEN
        why := 'It says nothing about this matter.';
    ELSIF char_length(said) < least_characters
          OR (SELECT count(DISTINCT w) FROM regexp_split_to_table(said, ' ') AS w
              WHERE char_length(w) > 1) < least_words THEN
        why := format('It has fewer than %s characters or four different words.', least_characters);
    ELSE
        -- Phrases that are not a reason do not count: what is left has to be one.
        FOR before IN SELECT lpr_data.normal_reason(e) FROM unnest(array_prepend(title, earlier)) AS e
            WHERE e IS NOT NULL ORDER BY char_length(e) DESC
        LOOP
            own := lpr_data.without(own, before);
        END LOOP;
        own := btrim(regexp_replace(own, ' +', ' ', 'g'));
        IF own <> said AND (char_length(own) < least_characters OR lpr_data.says_nothing(own)
                            OR (SELECT count(DISTINCT w) FROM regexp_split_to_table(own, ' ') AS w
                                WHERE char_length(w) > 1) < least_words) THEN
            why := 'It is the title or an earlier reason again.';
        END IF;
    END IF;
    IF why IS NOT NULL THEN
        PERFORM lpr_data.refuse(control, 'LP043',
                                format('the %s says nothing: %L', what, left(coalesce(reason, ''), 80)), why,
                                'Say in a sentence of your own what is to be found out, about whom or what, and why '
                                'licence-plate reads are needed for it.');
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.check_reason(text, text, text, text, text[]) IS
    'Refuses a statement that says nothing, error LP043: made of lpr_data.empty_reason alone, shorter than 20 '
    'characters or four words, or that once the title and earlier ones are taken out of it. what: its name in the '
    'message.';

CREATE FUNCTION lpr_data.check_given(reason text, control text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.refuse_invisible('reason', reason);
    IF (reason ~ '[^[:space:]]' AND char_length(reason) <= 4000) IS NOT TRUE THEN
        PERFORM lpr_data.refuse(control, 'LP043', 'no reason was given',
                                'Every step stays on record with its reason, of at most 4,000 characters.',
                                'Say why, in a sentence.');
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.check_given(text, text) IS
    'Refuses a missing reason, error LP043, where a person who has to act at once need not write much.';

CREATE FUNCTION lpr.add_empty_reason(reason text)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.administering('Q7');
    INSERT INTO lpr_data.empty_reason (reason) VALUES (lpr_data.normal_reason(add_empty_reason.reason))
    ON CONFLICT DO NOTHING;
END;
GRANT EXECUTE ON FUNCTION lpr.add_empty_reason(text) TO lpr_admin;
COMMENT ON FUNCTION lpr.add_empty_reason(text) IS 'Adds a word or phrase that is no reason (Q7).';
