-- 61-nexus: what a save has to say: what ties the reads to the mission (E2a), one of the four that the privacy
-- assessment names; a sentence for at most 25 (E2); why images are needed (Q3a).

CREATE TABLE lpr_data.nexus (
    nexus text COLLATE "C" PRIMARY KEY CHECK (nexus IN ('border_crosser', 'person_of_interest', 'illicit_activity',
                                                        'entity_of_concern', 'unstated')),
    title text NOT NULL CHECK (title ~ '[^[:space:]]'),
    citation text NOT NULL CHECK (citation ~ '[^[:space:]]'),
    active boolean NOT NULL,
    CONSTRAINT stated_when_saved CHECK (active = (nexus <> 'unstated'))
);
-- What comes with lpr never changes, and there is nothing else.
SELECT pg_catalog.pg_extension_config_dump('lpr_data.nexus', 'WHERE false');
SELECT lpr_data.audit_changes_of('lpr_data.nexus', plain => '{title,citation}');
INSERT INTO lpr_data.nexus (nexus, title, citation, active)
VALUES ('border_crosser', 'Associated with those who cross the border',
        'DHS/CBP/PIA-049(a), mitigation of the risk to authority', true),
       ('person_of_interest', 'May be linked or connected to a person of law enforcement interest',
        'DHS/CBP/PIA-049(a), mitigation of the risk to authority', true),
       ('illicit_activity', 'Connected to potentially criminal or other illicit activity',
        'DHS/CBP/PIA-049(a), mitigation of the risk to authority', true),
       ('entity_of_concern', 'For identifying individuals or entities of concern',
        'DHS/CBP/PIA-049(a), mitigation of the risk to authority', true),
       ('unstated', 'Saved before a save had to name one', 'lpr 0.2.0 and before', false);
SELECT lpr_data.only_adds('lpr_data.nexus');
COMMENT ON TABLE lpr_data.nexus IS
    'What ties a saved read to the mission: the four that the privacy assessment names, and that none was stated '
    '(E2a).';
COMMENT ON COLUMN lpr_data.nexus.nexus IS 'Code.';
COMMENT ON COLUMN lpr_data.nexus.title IS 'What it is, in the words of the assessment.';
COMMENT ON COLUMN lpr_data.nexus.citation IS 'Where that stands.';
COMMENT ON COLUMN lpr_data.nexus.active IS 'Whether a save may name it: all but unstated.';

CREATE VIEW lpr.nexuses WITH (security_barrier) AS
SELECT n.nexus, n.title, n.citation FROM lpr_data.nexus AS n WHERE n.active;
GRANT SELECT ON lpr.nexuses TO lpr_member;
COMMENT ON VIEW lpr.nexuses IS 'What may tie a read that is saved to the mission, one of which a save names (E2a).';
COMMENT ON COLUMN lpr.nexuses.nexus IS 'Code, as lpr.save() takes it.';
COMMENT ON COLUMN lpr.nexuses.title IS 'What it is.';
COMMENT ON COLUMN lpr.nexuses.citation IS 'Where that stands.';

CREATE FUNCTION lpr_data.check_nexus(nexus text, call text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM lpr_data.nexus AS n WHERE n.nexus = check_nexus.nexus COLLATE "C" AND n.active) THEN
        PERFORM lpr_data.refuse('E2a', 'LP052',
                                CASE WHEN nexus IS NULL THEN 'the save names no nexus'
                                     ELSE format('there is no nexus %L', left(nexus, 80)) END,
                                'What is saved is tied to the mission by one of these: '
                                || (SELECT string_agg(n.nexus || ' (' || n.title || ')', '; ' ORDER BY n.nexus)
                                    FROM lpr_data.nexus AS n WHERE n.active) || '.',
                                format('Say which, for instance %s', call));
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.check_nexus(text, text) IS
    'Refuses a save that names none of the four, error LP052. call: a call of that save that names one, for the hint.';

CREATE FUNCTION lpr_data.save_call(event bigint, source text, reads text[], nexus text, each boolean,
                                   more text DEFAULT '')
    RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN each
    THEN format('SELECT lpr.save_each(%s, %L, %L, nexus => %L%s);', event, source,
                (SELECT '{' || string_agg(to_json(r) || ': "...why this one..."', ', ') || CASE
                        WHEN cardinality(reads) > 2 THEN ', ...}' ELSE '}' END
                 FROM unnest(reads[1:2]) AS r), nexus, more)
    ELSE format('SELECT lpr.save(%s, %L, %L, ''...why they are relevant...'', nexus => %L%s);', event, source,
                CASE WHEN cardinality(reads) > 3 THEN format('{%s,...}', array_to_string(reads[1:3], ','))
                     ELSE reads::text END, nexus, more)
    END;
COMMENT ON FUNCTION lpr_data.save_call(bigint, text, text[], text, boolean, text) IS
    'A call that saves these reads, for hints. each: with a sentence for each. more: further arguments.';

CREATE FUNCTION lpr_data.check_sentences(event lpr_data.event, source text, reads text[], relevances text[],
                                         nexus text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most CONSTANT integer := 25;
    said record;
BEGIN
    -- The same words with other capitals, blanks or stops are the same sentence.
    SELECT sum(x.reads) AS reads, min(x.first) AS first INTO said
    FROM (SELECT k.relevance, count(*) AS reads, NULL AS first FROM lpr_data.event_read AS k
          WHERE k.event_id = event.event_id GROUP BY k.relevance
          UNION ALL
          SELECT g.relevance, count(DISTINCT g.read_id), min(g.place)
          FROM (SELECT r.read_id, r.place, relevances[least(r.place, cardinality(relevances))] AS relevance
                FROM unnest(reads) WITH ORDINALITY AS r (read_id, place)) AS g
          WHERE NOT EXISTS (SELECT FROM lpr_data.event_read AS k
                            WHERE k.event_id = event.event_id AND k.source = check_sentences.source COLLATE "C"
                              AND k.read_id = g.read_id)
          GROUP BY g.relevance) AS x
    GROUP BY lpr_data.normal_reason(x.relevance) HAVING sum(x.reads) > most AND min(x.first) IS NOT NULL
    ORDER BY 2 LIMIT 1;
    IF FOUND THEN
        PERFORM lpr_data.refuse('E2', 'LP061',
                                format('one sentence would serve %s reads of event %s', said.reads, event.event_id),
                                format('A sentence serves at most %s reads of an event; more need a reason each.',
                                       most),
                                'Choose those that matter, and say of each why: '
                                || lpr_data.save_call(event.event_id, source, reads[said.first:], nexus, true));
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.check_sentences(lpr_data.event, text, text[], text[], text) IS
    'Refuses, error LP061, a sentence that would serve more than 25 reads of an event, with those that it serves '
    'already. The event is locked, so that nobody saves beside it.';

CREATE FUNCTION lpr_data.check_why_images(why_images text, relevances text[], call text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF why_images IS NULL THEN
        PERFORM lpr_data.refuse('Q3a', 'LP043', 'images are to be saved without a reason',
                                'An image can show persons. Whoever saves one says why it is needed.',
                                'Save without images, or say why: ' || call);
    END IF;
    PERFORM lpr_data.check_reason('reason for images', why_images, 'Q3a', earlier => relevances[1:25]);
END
$$;
COMMENT ON FUNCTION lpr_data.check_why_images(text, text[], text) IS
    'Refuses images without a reason of their own, error LP043: none, one that says nothing, or the relevance again '
    '(Q3a). call: a call of that save with one, for the hint.';
