-- 90-owners: who sees which rows (E4). Every table is owned by a role that cannot log in, under row-level security that
-- binds its owner too. Views belong to the same role, so that a view that forgets a condition still shows only what
-- its reader may see. Functions of verbs and the workers are a superuser's.

DO $$
DECLARE
    relation record;
BEGIN
    -- All of them, so that a new table cannot be forgotten. A view that policies read stays with us (below).
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

-- Who sees an event (E4). The view belongs to a superuser, and has no grants: a policy of event_member that read
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
COMMENT ON POLICY seen ON lpr_data.event IS 'Owner, members, their supervisors; oversight and privacy (E4).';
COMMENT ON POLICY seen ON lpr_data.event_member IS 'As the event.';
COMMENT ON POLICY seen ON lpr_data.event_extension IS 'As the event.';

-- People, and what they are entitled to.
CREATE POLICY seen ON lpr_data.person FOR SELECT TO lpr_owner USING (lpr_data.me() IS NOT NULL);
COMMENT ON POLICY seen ON lpr_data.person IS 'People who are registered. The view leaves the addresses out.';
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

-- What is the same for everybody whom a view is granted to. Tables without a policy (secrets, settings, changes on
-- their way, ...) show nothing to any view.
CREATE POLICY seen ON lpr_data.source FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.course FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.rules FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.purpose FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.authority FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.search_limit FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.rate_limit FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.schedule FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.schedule_step FOR SELECT TO lpr_owner USING (true);
COMMENT ON POLICY seen ON lpr_data.source IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.course IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.rules IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.purpose IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.authority IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.search_limit IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.rate_limit IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.schedule IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.schedule_step IS 'Everybody.';

-- Nothing is PUBLIC's to call: every function of ours, so that a new one cannot be forgotten.
DO $$
DECLARE
    routine regprocedure;
BEGIN
    FOR routine IN
        SELECT d.objid FROM pg_depend AS d
        WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
          AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'lpr')
        ORDER BY d.objid
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', routine);
    END LOOP;
END
$$;
