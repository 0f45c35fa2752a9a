-- 43-client-network: from where people connect (A6), and whether what is at the other end is a person's own client or a
-- pooler, which hands one session of the server to many (A5). A backend cannot see that, so it is said here.

CREATE TABLE lpr_data.client_network (
    network text COLLATE "C" PRIMARY KEY CHECK (network = 'local' OR network = network::cidr::text),
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('direct', 'pooler', 'none')),
    shipped boolean NOT NULL DEFAULT false
);
SELECT lpr_data.ships('lpr_data.client_network', 'network');
SELECT lpr_data.audit_changes_of('lpr_data.client_network');
COMMENT ON TABLE lpr_data.client_network IS
    'The networks that people connect from, and what is at the other end (A5, A6). From any other nothing is asked.';
COMMENT ON COLUMN lpr_data.client_network.network IS
    'An address or a network as PostgreSQL writes it, such as 10.1.0.0/16; local = sockets of this machine.';
COMMENT ON COLUMN lpr_data.client_network.kind IS
    'direct: one session of the server is one client''s until it is reset; pooler: of one transaction; none: it was '
    'removed, and a restore does not bring back what came with lpr. Where networks overlap pooler wins.';
COMMENT ON COLUMN lpr_data.client_network.shipped IS 'Whether it came with lpr.';
INSERT INTO lpr_data.client_network (network, kind, shipped) VALUES ('local', 'direct', true);

CREATE VIEW lpr.client_networks WITH (security_barrier) AS
SELECT n.network, n.kind FROM lpr_data.client_network AS n WHERE n.kind <> 'none';
GRANT SELECT ON lpr.client_networks TO lpr_member;
COMMENT ON VIEW lpr.client_networks IS 'From where people connect: lpr.add_client_network() (A5, A6).';
COMMENT ON COLUMN lpr.client_networks.network IS 'Address or network; local = sockets of the server''s own machine.';
COMMENT ON COLUMN lpr.client_networks.kind IS
    'direct: what one agrees to holds for the session; pooler: for one transaction, by lpr.resume().';

CREATE FUNCTION lpr_data.network_of(remote boolean, address text)
    RETURNS TABLE (kind text)
    LANGUAGE sql STABLE ROWS 1
AS $$
    SELECT max(n.kind) FROM lpr_data.client_network AS n
    WHERE n.kind <> 'none'
      AND CASE WHEN NOT remote OR n.network = 'local' THEN NOT remote AND n.network = 'local'
               WHEN address <> '' THEN n.network::inet >>= address::inet END
$$;
COMMENT ON FUNCTION lpr_data.network_of(boolean, text) IS
    'What is at the other end of a connection: direct, pooler, or NULL for a network that is not the agency''s.';

CREATE FUNCTION lpr.add_client_network(network text, kind text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    name text;
BEGIN
    PERFORM lpr_data.administering('A6');
    IF network IS NULL OR (kind IN ('direct', 'pooler')) IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('network %s, kind %s: not a network that people connect from',
                             coalesce(network, 'NULL'), coalesce(kind, 'NULL')),
            DETAIL = 'A network is an address, a network or local; its kind is direct or pooler.',
            HINT = 'For instance SELECT lpr.add_client_network(''10.1.0.0/16'', ''direct'');';
    END IF;
    name := CASE WHEN network = 'local' THEN network ELSE network::cidr::text END;
    INSERT INTO lpr_data.client_network (network, kind) VALUES (name, add_client_network.kind)
    ON CONFLICT ON CONSTRAINT client_network_pkey DO UPDATE SET kind = excluded.kind, shipped = false;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.add_client_network(text, text) TO lpr_admin;
COMMENT ON FUNCTION lpr.add_client_network(text, text) IS
    'People connect from this network from now on, or something else is at its other end (A5, A6). network: an address '
    'or a network, such as 10.1.0.0/16, or local for sockets of the server''s machine. kind: direct = a client of '
    'one''s own, or a pooler that gives a session to one client and resets it with DISCARD ALL; pooler = one that '
    'gives out single transactions. A pooler may be plain text towards its clients, which nobody here sees.';

CREATE FUNCTION lpr.remove_client_network(network text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    name text;
BEGIN
    PERFORM lpr_data.administering('A6');
    name := CASE WHEN network = 'local' THEN network ELSE network::cidr::text END;
    UPDATE lpr_data.client_network AS n SET kind = 'none', shipped = false
    WHERE n.network = name COLLATE "C" AND n.kind <> 'none';
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('network %s is not one that people connect from', coalesce(name, 'NULL')),
            HINT = 'SELECT * FROM lpr.client_networks;';
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.remove_client_network(text) TO lpr_admin;
COMMENT ON FUNCTION lpr.remove_client_network(text) IS
    'Nobody connects from this network any more, unless another one holds it: questions from there are refused, those '
    'that run as well (A6).';

CREATE FUNCTION lpr_data.check_network(control text)
    RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    me record;
    kind text;
BEGIN
    SELECT s.* INTO me FROM lpr_data.session() AS s;
    SELECT n.kind INTO kind FROM lpr_data.network_of(me.remote, me.address) AS n;
    IF kind IS NULL THEN
        PERFORM lpr_data.refuse(control, 'LP037', 'you are connected from a network that is not the agency''s',
                                'People connect from networks that an administrator has named.',
                                format('Ask an administrator: SELECT lpr.add_client_network(%L, ''direct'');',
                                       CASE WHEN me.remote THEN me.address ELSE 'local' END));
    END IF;
    RETURN kind;
END
$$;
COMMENT ON FUNCTION lpr_data.check_network(text) IS
    'Refuses a session from elsewhere, error LP037; else what is at its other end: direct or pooler.';
