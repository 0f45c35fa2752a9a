-- 40-role-conflict: roles that one person does not act in both of (A8). PostgreSQL lets anybody grant both; here they
-- cancel each other out.

CREATE TABLE lpr_data.role_conflict (
    role text COLLATE "C" NOT NULL CHECK (role ~ '^lpr_[a-z_]+$'),
    other text COLLATE "C" NOT NULL CHECK (other ~ '^lpr_[a-z_]+$'),
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]' AND reason !~ '[[:cntrl:]]' AND char_length(reason) <= 200),
    shipped boolean NOT NULL DEFAULT false,
    PRIMARY KEY (role, other),
    CONSTRAINT two_roles CHECK (role <> other)
);
-- Not lpr_data.ships(): no row takes the place of one that the register of controls demands.
SELECT pg_catalog.pg_extension_config_dump('lpr_data.role_conflict', 'WHERE NOT shipped');
SELECT lpr_data.audit_changes_of('lpr_data.role_conflict', plain => '{reason}');
SELECT lpr_data.only_adds('lpr_data.role_conflict');
COMMENT ON TABLE lpr_data.role_conflict IS
    'Pairs of roles that are apart: who is a member of both acts in neither (A8). Only ever added to.';
COMMENT ON COLUMN lpr_data.role_conflict.role IS 'One of the two.';
COMMENT ON COLUMN lpr_data.role_conflict.other IS 'The other.';
COMMENT ON COLUMN lpr_data.role_conflict.reason IS 'Why they are apart, at most 200 characters.';
COMMENT ON COLUMN lpr_data.role_conflict.shipped IS 'Whether it came with lpr.';
INSERT INTO lpr_data.role_conflict (role, other, reason, shipped)
VALUES ('lpr_user', 'lpr_admin', 'Who asks does not register people, or set the limits of questions.', true),
       ('lpr_user', 'lpr_oversight', 'Who asks does not oversee those who ask.', true),
       ('lpr_user', 'lpr_integrity', 'Who asks does not look into misuse.', true),
       ('lpr_user', 'lpr_system_owner', 'Who asks does not grant access.', true),
       ('lpr_user', 'lpr_lead', 'Who asks does not certify access.', true),
       ('lpr_user', 'lpr_training_officer', 'Who asks does not record training.', true),
       ('lpr_user', 'lpr_records_officer', 'Who asks does not decide how long reads are kept.', true),
       ('lpr_user', 'lpr_foia', 'Who asks does not answer the public about what was asked.', true),
       ('lpr_admin', 'lpr_oversight', 'Who sets the system up does not oversee it.', true),
       ('lpr_admin', 'lpr_integrity', 'Who sets the system up does not look into its misuse.', true),
       ('lpr_admin', 'lpr_privacy', 'What an administrator asks for the privacy officer approves.', true),
       ('lpr_supervisor', 'lpr_integrity', 'Whose people are looked into does not look into them.', true),
       ('lpr_foia', 'lpr_privacy', 'What the one drafts the other approves.', true);

CREATE FUNCTION lpr_data.conflict_of(login oid, role text)
    RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN (SELECT min(x.other)
        FROM (SELECT CASE c.role WHEN conflict_of.role THEN c.other ELSE c.role END AS other
              FROM lpr_data.role_conflict AS c WHERE conflict_of.role IN (c.role, c.other)) AS x
        WHERE lpr_data.takes_part(login, x.other));
COMMENT ON FUNCTION lpr_data.conflict_of(oid, text) IS
    'A role that a login is a member of and that must be apart from this one; NULL = none (A8).';

CREATE FUNCTION lpr_data.check_apart(VARIADIC roles text[])
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    pair record;
BEGIN
    -- Of a login that is not one person's another rule tells.
    SELECT o.role, x.other INTO pair FROM pg_roles AS r
    JOIN lpr_data.person AS p ON p.login = r.rolname AND p.kind = 'personal' AND p.left_at IS NULL
    CROSS JOIN unnest(roles) AS o (role) CROSS JOIN LATERAL lpr_data.conflict_of(r.oid, o.role) AS x (other)
    WHERE r.rolname = lpr.login() AND NOT r.rolsuper AND x.other IS NOT NULL AND lpr_data.takes_part(r.oid, o.role)
    LIMIT 1;
    IF FOUND THEN
        PERFORM lpr_data.refuse('A8', 'LP038',
                                format('login "%s" is a member of %s and of %s', lpr.login(), pair.role, pair.other),
                                'Roles that are apart cancel each other out: who is a member of both acts in neither. '
                                'SELECT * FROM lpr.roles_apart; tells why.',
                                format('Have one of them taken away: REVOKE %I FROM %I;', pair.other, lpr.login()));
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.check_apart(text[]) IS
    'Refuses who is a member of one of these roles and of one that must be apart from it (A8), error LP038.';

CREATE FUNCTION lpr.keep_apart(role text, other text, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.administering('A8', 'lpr_privacy');
    IF (role = ANY (lpr_data.roles()) AND other = ANY (lpr_data.roles()) AND role <> other) IS NOT TRUE THEN
        PERFORM lpr_data.refuse('A8', '22023', 'these are not two roles of lpr',
                                format('Roles: %s.', array_to_string(lpr_data.roles(), ', ')),
                                'For instance SELECT lpr.keep_apart(''lpr_user'', ''lpr_privacy'', ''...why...'');');
    END IF;
    PERFORM lpr_data.check_given(reason, 'A8');
    INSERT INTO lpr_data.role_conflict (role, other, reason)
    SELECT keep_apart.role, keep_apart.other, keep_apart.reason
    WHERE NOT EXISTS (SELECT FROM lpr_data.role_conflict AS c
                      WHERE (c.role, c.other) IN ((keep_apart.role, keep_apart.other),
                                                  (keep_apart.other, keep_apart.role)));
END
$$;
GRANT EXECUTE ON FUNCTION lpr.keep_apart(text, text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.keep_apart(text, text, text) IS
    'Two roles of lpr that nobody acts in both of, from the next statement on (A8), by the privacy officer. reason: at '
    'most 200 characters. It stays. Errors LP033, LP043 (no reason), 22023 (not two roles).';

CREATE VIEW lpr.roles_apart WITH (security_barrier) AS
SELECT c.role, c.other, c.reason FROM lpr_data.role_conflict AS c;
GRANT SELECT ON lpr.roles_apart TO lpr_member;
COMMENT ON VIEW lpr.roles_apart IS
    'Pairs of roles that are apart: who is a member of both acts in neither (A8, LP038). Four people can run an '
    'agency; fewer cannot, by these pairs and by verbs that take two people.';
COMMENT ON COLUMN lpr.roles_apart.role IS 'One of the two.';
COMMENT ON COLUMN lpr.roles_apart.other IS 'The other.';
COMMENT ON COLUMN lpr.roles_apart.reason IS 'Why.';
