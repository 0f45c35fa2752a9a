-- 32-append-only: tables that are only ever added to, and rows that come with lpr and may be changed.

CREATE FUNCTION lpr_data.refuse_rewrite()
    RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- What is due goes, by a list that was released, in that transaction and no other (E10).
    IF TG_LEVEL = 'ROW' AND TG_OP = 'DELETE' THEN
        IF lpr_data.is_let_go(TG_TABLE_NAME) THEN
            RETURN OLD;
        END IF;
    END IF;
    -- Arguments: the columns that may change.
    IF TG_LEVEL = 'ROW' AND TG_OP = 'UPDATE'
       AND to_jsonb(OLD) - coalesce(TG_ARGV, '{}') = to_jsonb(NEW) - coalesce(TG_ARGV, '{}')
       AND cardinality(coalesce(TG_ARGV, '{}')) > 0 THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'LP034',
        MESSAGE = format('%s of %I.%I is refused', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME),
        DETAIL = 'This table is only ever added to: who asked for what, who approved it, what was recorded when.',
        HINT = 'Add what is right now beside it, by the functions of schema lpr.';
END
$$;
COMMENT ON FUNCTION lpr_data.refuse_rewrite() IS
    'Trigger of what is only ever added to: error LP034 for every change but of the columns that its arguments name, '
    'and for every deletion but of what is due and was released (E10).';

CREATE FUNCTION lpr_data.only_adds(kept_table regclass, VARIADIC changeable text[] DEFAULT '{}')
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('CREATE OR REPLACE TRIGGER refuse_rewrite BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE '
                   'FUNCTION lpr_data.refuse_rewrite(%s)',
                   kept_table, (SELECT string_agg(quote_literal(c), ', ') FROM unnest(changeable) AS c));
    EXECUTE format('CREATE OR REPLACE TRIGGER refuse_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE '
                   'FUNCTION lpr_data.refuse_rewrite()', kept_table);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER refuse_rewrite, ENABLE ALWAYS TRIGGER refuse_truncate',
                   kept_table);
END
$$;
COMMENT ON FUNCTION lpr_data.only_adds(regclass, text[]) IS
    'Makes a table one that is only ever added to, except for the columns named.';

CREATE FUNCTION lpr_data.replace_shipped()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    columns text := (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute AS a
                     WHERE a.attrelid = TG_RELID AND a.attnum > 0 AND NOT a.attisdropped);
    replaced bigint;
BEGIN
    -- The argument is the key. A changed row of a dump meets the one that CREATE EXTENSION has just made; changed in
    -- place, since other rows may refer to it.
    EXECUTE format('UPDATE %s AS t SET (%s) = ROW(($1).*) WHERE t.%3$I = ($1).%3$I AND t.shipped', TG_RELID::regclass,
                   columns, TG_ARGV[0]) USING NEW;
    GET DIAGNOSTICS replaced = ROW_COUNT;
    RETURN CASE WHEN replaced = 0 THEN NEW END;
END
$$;
COMMENT ON FUNCTION lpr_data.replace_shipped() IS
    'Trigger of tables with rows that come with lpr: a row of the same key takes the place of such a one, as a '
    'restore brings it.';

CREATE FUNCTION lpr_data.ships(policy_table regclass, key text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('CREATE OR REPLACE TRIGGER replace_shipped BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION '
                   'lpr_data.replace_shipped(%L)', policy_table, key);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER replace_shipped', policy_table);
    PERFORM pg_extension_config_dump(policy_table, 'WHERE NOT shipped');
END
$$;
COMMENT ON FUNCTION lpr_data.ships(regclass, text) IS
    'Dumps only what did not come with lpr, or was changed since (column shipped), and lets a restore bring it.';
