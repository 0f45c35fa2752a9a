-- 90-owners: who sees which rows (E4). Every table is owned by a role that cannot log in, under row-level security that
-- binds its owner too. Views belong to the same role, so that a view that forgets a condition still shows only what
-- its reader may see. Functions that act for people belong to lpr_verb, who has no more rights on a table than they
-- use; the few that need a superuser stand in lpr_data.superuser_functions(). The workers are a superuser's.

DO $$
DECLARE
    relation record;
BEGIN
    -- All of them, so that a new table cannot be forgotten. The view that policies read is lpr_verb's (below).
    FOR relation IN
        SELECT c.oid::regclass AS name, c.relkind
        FROM pg_depend AS d JOIN pg_class AS c ON c.oid = d.objid
        WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
          AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'lpr')
          AND (c.relkind IN ('r', 'p') AND c.relnamespace = 'lpr_data'::regnamespace
               OR c.relkind = 'v' AND c.relname <> 'visible_event')
        ORDER BY c.oid
    LOOP
        IF relation.relkind = 'v' THEN
            EXECUTE format('ALTER VIEW %s OWNER TO lpr_owner', relation.name);
            -- pg_dump compares a member's rights with those that were recorded at the last GRANT: that has to be one
            -- after the change of owner.
            EXECUTE format('GRANT SELECT ON %s TO lpr_owner', relation.name);
        ELSE
            EXECUTE format('ALTER TABLE %s OWNER TO lpr_owner', relation.name);
            EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', relation.name);
        END IF;
    END LOOP;
END
$$;

-- Who sees an event (E4). The view belongs to lpr_verb, and has no grants: a policy of event_member that read
-- event_member would be asked about itself.

CREATE FUNCTION lpr_data.sees_all()
    RETURNS boolean
    LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'lpr_sees_all';
COMMENT ON FUNCTION lpr_data.sees_all() IS
    'Whether the person behind the authenticated login sees all events: oversight and privacy do (E4).';

CREATE VIEW lpr_data.visible_event WITH (security_barrier) AS
SELECT m.event_id FROM lpr_data.event_member AS m WHERE m.person_id = ANY (lpr_data.my_people())
UNION ALL
SELECT e.event_id FROM lpr_data.event AS e WHERE (SELECT lpr_data.sees_all());
COMMENT ON VIEW lpr_data.visible_event IS
    'Events that the authenticated login sees: as owner or member, as supervisor of one, as oversight or privacy '
    '(E4). For policies only.';
COMMENT ON COLUMN lpr_data.visible_event.event_id IS 'The event.';

CREATE FUNCTION lpr_data.look_up_all()
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN lpr_data.acts_as('lpr_oversight', 'lpr_privacy');
END
$$;
COMMENT ON FUNCTION lpr_data.look_up_all() IS 'Rule of lpr_data.sees_all().';

CREATE FUNCTION lpr_data.look_up_events(at_most integer)
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(SELECT s.event_id FROM lpr_data.visible_event AS s LIMIT at_most);
END
$$;
COMMENT ON FUNCTION lpr_data.look_up_events(integer) IS
    'So many of the events of lpr_data.visible_event; fewer = all. For lpr_data.sees().';

CREATE FUNCTION lpr_data.look_up_event(event_id bigint)
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM lpr_data.visible_event AS s WHERE s.event_id = look_up_event.event_id);
END
$$;
COMMENT ON FUNCTION lpr_data.look_up_event(bigint) IS
    'Whether an event is one of lpr_data.visible_event. For lpr_data.sees().';

CREATE FUNCTION lpr_data.sees_support(internal)
    RETURNS internal
    LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'lpr_sees_support';
COMMENT ON FUNCTION lpr_data.sees_support(internal) IS
    'Tells the planner how many of all events are seen, and to look them up by lpr_data.my_events() where an index '
    'starts with the event.';

CREATE FUNCTION lpr_data.my_events()
    RETURNS bigint[]
    LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'lpr_my_events';
COMMENT ON FUNCTION lpr_data.my_events() IS 'All events of lpr_data.visible_event.';

CREATE FUNCTION lpr_data.sees(event_id bigint)
    RETURNS boolean
    LANGUAGE c STABLE STRICT
    SUPPORT lpr_data.sees_support
AS 'MODULE_PATHNAME', 'lpr_sees';
-- A right to ask, not to see: a records officer sees no event by duty. lpr.retention(), lpr.holds and
-- lpr.destruction_orders tell what is due, held and destroyed; they do not use this.
GRANT EXECUTE ON FUNCTION lpr_data.sees(bigint), lpr_data.my_events() TO lpr_member;
COMMENT ON FUNCTION lpr_data.sees(bigint) IS
    'Whether the authenticated login sees an event: all (lpr_data.sees_all()), or those of lpr_data.visible_event. The '
    'condition of policies on all that belongs to an event.';

CREATE POLICY seen ON lpr_data.event FOR SELECT TO lpr_owner USING (lpr_data.sees(event_id));
CREATE POLICY seen ON lpr_data.event_member FOR SELECT TO lpr_owner USING (lpr_data.sees(event_id));
CREATE POLICY seen ON lpr_data.event_extension FOR SELECT TO lpr_owner USING (lpr_data.sees(event_id));
CREATE POLICY seen ON lpr_data.event_step FOR SELECT TO lpr_owner USING (lpr_data.sees(event_id));
CREATE POLICY seen ON lpr_data.target FOR SELECT TO lpr_owner USING (lpr_data.sees(event_id));
COMMENT ON POLICY seen ON lpr_data.event IS 'Owner, members, their supervisors; oversight and privacy (E4).';
COMMENT ON POLICY seen ON lpr_data.event_member IS 'As the event.';
COMMENT ON POLICY seen ON lpr_data.event_extension IS 'As the event.';
COMMENT ON POLICY seen ON lpr_data.event_step IS 'As the event.';
CREATE POLICY seen ON lpr_data.release FOR SELECT TO lpr_owner
    USING ((lpr_data.sees(event_id) OR kind = 'plate' AND (SELECT lpr_data.acts_as('lpr_integrity')))
           AND NOT lpr_data.is_about_me(kind, key));
COMMENT ON POLICY seen ON lpr_data.release IS
    'As the event; integrity those about plates; nobody one about a plate that is registered for them (P2).';
COMMENT ON POLICY seen ON lpr_data.target IS 'As the event.';

-- People, and what they are entitled to.
CREATE POLICY seen ON lpr_data.person FOR SELECT TO lpr_owner USING (lpr_data.me() IS NOT NULL);
COMMENT ON POLICY seen ON lpr_data.person IS 'People who are registered. The view leaves the addresses out.';
CREATE POLICY seen ON lpr_data.deputy FOR SELECT TO lpr_owner USING (lpr_data.me() IS NOT NULL);
COMMENT ON POLICY seen ON lpr_data.deputy IS 'People who are registered. The view leaves the reasons out.';
CREATE POLICY seen ON lpr_data.access FOR SELECT TO lpr_owner
    USING (person_id = ANY (lpr_data.my_people())
           OR (SELECT lpr_data.acts_as('lpr_system_owner', 'lpr_lead', 'lpr_oversight', 'lpr_privacy')));
COMMENT ON POLICY seen ON lpr_data.access IS
    'The person, their supervisor; system owners, leads, oversight and privacy.';
CREATE POLICY seen ON lpr_data.access_step FOR SELECT TO lpr_owner
    USING (EXISTS (SELECT FROM lpr_data.access AS a WHERE a.access_id = access_step.access_id));
COMMENT ON POLICY seen ON lpr_data.access_step IS 'As the request.';
CREATE POLICY seen ON lpr_data.recertification FOR SELECT TO lpr_owner
    USING (person_id = ANY (lpr_data.my_people())
           OR (SELECT lpr_data.acts_as('lpr_system_owner', 'lpr_lead', 'lpr_oversight', 'lpr_privacy')));
COMMENT ON POLICY seen ON lpr_data.recertification IS 'As the access.';
CREATE POLICY seen ON lpr_data.training FOR SELECT TO lpr_owner
    USING (person_id = ANY (lpr_data.my_people())
           OR (SELECT lpr_data.acts_as('lpr_training_officer', 'lpr_oversight')));
COMMENT ON POLICY seen ON lpr_data.training IS 'The person, their supervisor; training officers and oversight.';
CREATE POLICY seen ON lpr_data.mail FOR SELECT TO lpr_owner
    USING ((SELECT lpr_data.acts_as('lpr_admin', 'lpr_oversight')));
COMMENT ON POLICY seen ON lpr_data.mail IS 'Administrators and oversight.';
CREATE POLICY seen ON lpr_data.legal_hold FOR SELECT TO lpr_owner
    USING ((SELECT lpr_data.acts_as('lpr_records_officer', 'lpr_privacy', 'lpr_oversight')));
COMMENT ON POLICY seen ON lpr_data.legal_hold IS 'Records officers, privacy and oversight.';
CREATE POLICY seen ON lpr_data.destruction_order FOR SELECT TO lpr_owner
    USING ((SELECT lpr_data.acts_as('lpr_records_officer', 'lpr_privacy', 'lpr_oversight')));
COMMENT ON POLICY seen ON lpr_data.destruction_order IS 'Records officers, privacy and oversight.';
CREATE POLICY seen ON lpr_data.destruction_part FOR SELECT TO lpr_owner
    USING ((SELECT lpr_data.acts_as('lpr_records_officer', 'lpr_privacy', 'lpr_oversight')));
COMMENT ON POLICY seen ON lpr_data.destruction_part IS 'Records officers, privacy and oversight.';
CREATE POLICY seen ON lpr_data.destruction_certificate FOR SELECT TO lpr_owner
    USING ((SELECT lpr_data.acts_as('lpr_records_officer', 'lpr_privacy', 'lpr_oversight')));
COMMENT ON POLICY seen ON lpr_data.destruction_certificate IS 'Records officers, privacy and oversight.';
CREATE POLICY seen ON lpr_data.disposal FOR SELECT TO lpr_owner
    USING ((SELECT lpr_data.acts_as('lpr_records_officer', 'lpr_privacy', 'lpr_oversight')));
COMMENT ON POLICY seen ON lpr_data.disposal IS 'Records officers, privacy and oversight.';
CREATE POLICY seen ON lpr_data.disposal_part FOR SELECT TO lpr_owner
    USING ((SELECT lpr_data.acts_as('lpr_records_officer', 'lpr_privacy', 'lpr_oversight')));
COMMENT ON POLICY seen ON lpr_data.disposal_part IS 'Records officers, privacy and oversight.';
CREATE POLICY seen ON lpr_data.disposal_certificate FOR SELECT TO lpr_owner
    USING ((SELECT lpr_data.acts_as('lpr_records_officer', 'lpr_privacy', 'lpr_oversight')));
COMMENT ON POLICY seen ON lpr_data.disposal_certificate IS 'Records officers, privacy and oversight.';

-- What is the same for everybody whom a view is granted to. Tables without a policy (secrets, settings, changes on
-- their way, ...) show nothing to any view.
CREATE POLICY seen ON lpr_data.source FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.role_conflict FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.course FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.clause FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.rules FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.client_network FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.purpose FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.authority FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.relation FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.evidence_kind FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.nexus FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.display_finding FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.exemption FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.search_limit FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.rate_limit FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.limit_request FOR SELECT TO lpr_owner
    USING ((SELECT lpr_data.acts_as('lpr_admin', 'lpr_privacy', 'lpr_oversight')));
COMMENT ON POLICY seen ON lpr_data.limit_request IS 'Administrators, privacy and oversight.';
CREATE POLICY seen ON lpr_data.schedule FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.schedule_step FOR SELECT TO lpr_owner USING (true);
COMMENT ON POLICY seen ON lpr_data.source IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.role_conflict IS 'Everybody.';
CREATE POLICY seen ON lpr_data.protected_place FOR SELECT TO lpr_owner USING (true);
COMMENT ON POLICY seen ON lpr_data.protected_place IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.course IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.clause IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.rules IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.client_network IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.purpose IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.authority IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.relation IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.evidence_kind IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.nexus IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.display_finding IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.exemption IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.search_limit IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.rate_limit IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.schedule IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.schedule_step IS 'Everybody.';

-- What lpr_verb may do with which table: what its functions do, and no more. Of what is only added to it changes the
-- columns that may change. A table that is not named here is read, added to and changed.
DO $$
DECLARE
    given record;
BEGIN
    FOR given IN
        SELECT c.oid::regclass AS name,
               coalesce(x.rights,
                        'SELECT, INSERT' || CASE WHEN t.oid IS NULL THEN ', UPDATE'
                                                 WHEN t.changeable <> '' THEN format(', UPDATE (%s)', t.changeable)
                                                 ELSE '' END
                        -- what goes by its schedule, with all that hangs on it; its trigger lets nothing else go
                        || CASE WHEN c.relname IN ('event', 'access', 'recertification', 'training', 'mail')
                                THEN ', DELETE' ELSE '' END) AS rights
        FROM pg_depend AS d JOIN pg_class AS c ON c.oid = d.objid
        LEFT JOIN (VALUES
            -- of the library, or superusers, alone
            ('secret', ''), ('setting', ''), ('role_state', ''), ('purge_certificate', ''),
            ('system', 'SELECT'), ('nexus', 'SELECT'), ('job', 'SELECT'), ('grace', 'SELECT'),
            ('release_kind', 'SELECT'), ('display_finding', 'SELECT'),
            ('change', 'SELECT, INSERT'),
            ('source', 'SELECT, UPDATE'),
            -- what is taken away again
            ('camera', 'SELECT, INSERT, UPDATE, DELETE'), ('event_member', 'SELECT, INSERT, UPDATE, DELETE'),
            ('consent_token', 'SELECT, INSERT, UPDATE, DELETE'), ('alert', 'SELECT, INSERT, UPDATE, DELETE'),
            ('hit_channel', 'SELECT, INSERT'), ('hit_wake', 'INSERT'),
            ('mail_text', 'SELECT, INSERT, UPDATE, DELETE'), ('event_read', 'SELECT, INSERT, DELETE'),
            ('correction', 'SELECT, INSERT, DELETE, UPDATE (confirmed_at, confirmed_by, confirm_reason)'),
            ('image', 'SELECT, INSERT, DELETE'),
            ('event_step', 'SELECT, INSERT, DELETE'), ('reserved_plate', 'SELECT, INSERT, DELETE'),
            -- To lock a table, or a row of it, is a matter of the right to change it; that their triggers refuse.
            ('schedule', 'SELECT, INSERT, UPDATE'), ('schedule_step', 'SELECT, INSERT, UPDATE'),
            ('legal_hold', 'SELECT, INSERT, UPDATE'), ('destruction_order', 'SELECT, INSERT, UPDATE'),
            ('disposal', 'SELECT, INSERT, UPDATE')
        ) AS x (name, rights) ON x.name = c.relname
        LEFT JOIN LATERAL (SELECT g.oid,
                                  (SELECT string_agg(quote_ident(a), ', ')
                                   FROM unnest(string_to_array(encode(g.tgargs, 'escape'), '\000')) AS a
                                   WHERE a <> '') AS changeable
                           FROM pg_trigger AS g
                           WHERE g.tgrelid = c.oid AND g.tgfoid = 'lpr_data.refuse_rewrite'::regproc
                             AND g.tgname = 'refuse_rewrite') AS t ON true
        WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
          AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'lpr')
          AND c.relkind = 'r' AND NOT c.relispartition AND c.relnamespace = 'lpr_data'::regnamespace
        ORDER BY c.oid
    LOOP
        IF given.rights <> '' THEN
            EXECUTE format('GRANT %s ON %s TO lpr_verb', given.rights, given.name);
        END IF;
    END LOOP;
    GRANT USAGE ON SEQUENCE lpr_data.change_number_seq TO lpr_verb;
    ALTER VIEW lpr_data.visible_event OWNER TO lpr_verb;
    GRANT SELECT ON lpr_data.visible_event TO lpr_verb; -- as above, for pg_dump
END
$$;

-- Every function of ours, so that a new one cannot be forgotten: what acts for people is lpr_verb's, which may call all
-- the others but those that look into the server or its files, and those of schema lpr that are superusers' to call.
-- Nothing is PUBLIC's to call.
DO $$
DECLARE
    routine record;
BEGIN
    FOR routine IN
        SELECT p.oid::regprocedure AS name,
               p.prosecdef AND NOT EXISTS (SELECT FROM lpr_data.superuser_functions() AS f
                                           WHERE to_regprocedure(f.function) = p.oid) AS acts,
               NOT p.prosecdef AND p.oid <> ALL ('{lpr_data.file_facts(text),lpr_data.core_limit(),
                                                   "lpr.encrypt_secret(text,text)"}'::regprocedure[])
               AND p.prorettype <> ALL ('{trigger,event_trigger,internal,fdw_handler}'::regtype[])
               AND (p.pronamespace = 'lpr_data'::regnamespace
                    OR EXISTS (SELECT FROM aclexplode(p.proacl) AS a WHERE a.grantee NOT IN (0, p.proowner))) AS helps
        FROM pg_depend AS d JOIN pg_proc AS p ON p.oid = d.objid
        WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
          AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'lpr')
        ORDER BY d.objid
    LOOP
        IF routine.acts THEN
            EXECUTE format('ALTER FUNCTION %s OWNER TO lpr_verb', routine.name);
        ELSIF routine.helps THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO lpr_verb', routine.name);
        END IF;
        -- After the change of owner: pg_dump compares with the rights of now.
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', routine.name);
    END LOOP;
END
$$;
