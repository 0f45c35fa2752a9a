-- 72-jobs: what pg_cron has to do, where it is there. Nothing depends on it: what ends, ends by predicate, and the
-- library's own workers purge, remind, mail and sign. A job does the same beside them, or looks whether they do: one
-- that finds something wrong fails, and lpr.jobs tells why.

CREATE TABLE lpr_data.job (
    job text COLLATE "C" PRIMARY KEY,
    scheduled_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    scheduled_by text COLLATE "C" NOT NULL DEFAULT session_user
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.job', '');
SELECT lpr_data.audit_changes_of('lpr_data.job');
COMMENT ON TABLE lpr_data.job IS 'Jobs that lpr.schedule_jobs() gave to pg_cron.';
COMMENT ON COLUMN lpr_data.job.job IS 'Name, of pg_cron''s job as well.';
COMMENT ON COLUMN lpr_data.job.scheduled_at IS 'When.';
COMMENT ON COLUMN lpr_data.job.scheduled_by IS 'By whom.';

CREATE FUNCTION lpr_data.job_list()
    RETURNS TABLE (job text, schedule text, command text, what text, otherwise text)
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    -- The workers look at the full hour themselves: jobs come minutes later, to find nothing.
    SELECT j.* FROM (VALUES
        ('lpr-purge', '3-59/5 * * * *', 'SELECT lpr_data.purge_cache()', 'drops answers that have expired',
         'the cache purger does, within seconds'),
        ('lpr-expiry', '4-59/5 * * * *', 'SELECT lpr_data.look(''expiry'')',
         'looks whether anything that has expired is still there',
         'what has expired is not shown; the cache purger has it gone'),
        ('lpr-reminders', '7 * * * *', 'SELECT lpr_data.remind()',
         'writes mails before training, certification and access end',
         'the mail worker does, every hour'),
        ('lpr-mail', '2-59/5 * * * *', 'SELECT lpr_data.look(''mail'')', 'looks whether mail is sent',
         'the mail worker sends it; whether it does: lpr.mail_status()'),
        ('lpr-checkpoints', '1-59/5 * * * *', 'SELECT lpr_data.look(''checkpoints'')',
         'looks whether the audit log is signed and its checkpoints are handed over',
         'the audit writer signs; whether it does: lpr.audit_status()'),
        ('lpr-close-over', '12 * * * *', 'SELECT lpr_data.close_over()',
         'closes events that ran out 30 days ago', 'they count as closed all the same'),
        ('lpr-destroy-due', '20 3 * * *', 'SELECT lpr.destroy_due()', 'lists saved reads that are due for destruction',
         'nobody does: a records officer calls lpr.destroy_due()'),
        ('lpr-dispose-due', '30 3 * * *', 'SELECT lpr.dispose_due()',
         'lists events, records about people and months of the log that are due for destruction',
         'nobody does: a records officer calls lpr.dispose_due()'),
        ('lpr-history', '40 3 * * *', 'SELECT lpr_data.trim_jobs()',
         'deletes what pg_cron noted of these jobs more than a week ago',
         'there is no history without jobs')
    ) AS j (job, schedule, command, what, otherwise);
END;
COMMENT ON FUNCTION lpr_data.job_list() IS
    'The jobs: when, what they call, what that does, and what happens without them.';

CREATE FUNCTION lpr_data.look(at_what text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    long_ago timestamptz := clock_timestamp() - interval '10 minutes';
    a record;
    unsigned_at timestamptz;
    unhanded_at timestamptz;
    wrong text;
    hint text;
BEGIN
    CASE at_what
    WHEN 'expiry' THEN
        SELECT format('%s tables of the cache are past their time, the first since %s', count(*), min(c.deadline)),
               'See the server''s log for what stops the cache purger.'
        INTO wrong, hint
        FROM (SELECT to_timestamp(substring(t.relname FROM '_([0-9]{10})$'),
                                  'YYYYMMDDHH24')::timestamp AT TIME ZONE 'UTC' AS deadline
              FROM pg_inherits AS i JOIN pg_class AS t ON t.oid = i.inhrelid
              WHERE i.inhparent = 'lpr_data.cache_answer'::regclass) AS c
        WHERE c.deadline < long_ago
        HAVING count(*) > 0;
    WHEN 'mail' THEN
        SELECT format('the mail worker is %s%s; %s mails wait', m.worker, ' (' || m.reason || ')', m.waiting),
               'SELECT * FROM lpr.mail_status();'
        INTO wrong, hint
        FROM lpr.mail_status() AS m
        WHERE m.worker IN ('stuck', 'down') OR m.oldest_waiting_at < clock_timestamp() - interval '1 hour';
    WHEN 'checkpoints' THEN
        SELECT s.* INTO a FROM lpr.audit_status() AS s;
        hint := 'SELECT * FROM lpr.audit_status();';
        IF a.writer <> 'ready' THEN
            wrong := format('the audit writer is %s%s', a.writer, ' (' || a.reason || ')');
        ELSIF a.records IS NOT NULL THEN
            unsigned_at := (SELECT x.at FROM lpr_data.audit AS x WHERE x.number > coalesce(a.checkpointed, 0)
                            ORDER BY x.number LIMIT 1);
            IF current_setting('lpr.checkpoint_directory', true) <> ''
               OR current_setting('lpr.checkpoint_command', true) <> '' THEN
                unhanded_at := (SELECT min(c.at) FROM lpr_data.checkpoint AS c
                                WHERE NOT EXISTS (SELECT FROM lpr_data.delivery AS d WHERE d.size = c.size));
            END IF;
            wrong := CASE WHEN unsigned_at < long_ago THEN format('the audit log is not signed since %s', unsigned_at)
                          WHEN unhanded_at < long_ago THEN format('checkpoints are not handed over since %s',
                                                                  unhanded_at) END;
        END IF;
    END CASE;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = wrong, HINT = hint;
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.look(text) IS
    'Looks at what a worker of the library does: expiry, mail or checkpoints. An error when it does not: the job '
    'fails, and lpr.jobs tells.';

CREATE FUNCTION lpr_data.has_pg_cron()
    RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN EXISTS (SELECT FROM pg_extension AS x WHERE x.extname = 'pg_cron');
COMMENT ON FUNCTION lpr_data.has_pg_cron() IS 'Whether pg_cron is in this database.';

CREATE FUNCTION lpr_data.trim_jobs()
    RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    trimmed bigint;
BEGIN
    -- By what they call: a job that was scheduled anew has another number.
    EXECUTE 'DELETE FROM cron.job_run_details AS d
             WHERE d.database = current_database() AND d.command IN (SELECT l.command FROM lpr_data.job_list() AS l)
               AND d.start_time < clock_timestamp() - interval ''7 days''';
    GET DIAGNOSTICS trimmed = ROW_COUNT;
    RETURN trimmed;
END
$$;
COMMENT ON FUNCTION lpr_data.trim_jobs() IS
    'Deletes what pg_cron noted of our jobs more than a week ago; it keeps all, for ever.';

CREATE FUNCTION lpr_data.cron_field(field text, lowest integer, highest integer)
    RETURNS integer[]
    LANGUAGE plpgsql IMMUTABLE STRICT
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    part text;
    m text[];
    numbers integer[] := '{}';
BEGIN
    FOREACH part IN ARRAY string_to_array(field, ',')
    LOOP
        m := regexp_match(part, '^(?:\*|([0-9]{1,2})(?:-([0-9]{1,2}))?)(/0*[1-9][0-9]?)?$');
        IF m IS NULL THEN
            RETURN NULL;
        END IF;
        numbers := numbers || ARRAY(SELECT n
                                    FROM generate_series(coalesce(m[1]::integer, lowest),
                                                         CASE WHEN m[1] IS NULL OR m[2] IS NULL
                                                              AND m[3] IS NOT NULL THEN highest
                                                              ELSE coalesce(m[2], m[1])::integer END,
                                                         coalesce(substr(m[3], 2)::integer, 1)) AS n
                                                         WHERE n BETWEEN lowest AND highest);
    END LOOP;
    RETURN numbers;
END
$$;
COMMENT ON FUNCTION lpr_data.cron_field(text, integer, integer) IS
    'The numbers that a field of a cron schedule stands for; NULL for names, and when it is not one.';

CREATE FUNCTION lpr_data.next_run(schedule text, after timestamp with time zone)
    RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    zone text := coalesce(current_setting('cron.timezone', true), 'UTC'); -- 1.4 knows UTC alone
    f text[] := regexp_split_to_array(btrim(schedule), '\s+');
    minutes integer[] := lpr_data.cron_field(f[1], 0, 59);
    hours integer[] := lpr_data.cron_field(f[2], 0, 23);
    days integer[] := lpr_data.cron_field(f[3], 1, 31);
    months integer[] := lpr_data.cron_field(f[4], 1, 12);
    weekdays integer[] := lpr_data.cron_field(f[5], 0, 7);
    day timestamp;
    moment timestamptz;
BEGIN
    IF cardinality(f) <> 5 OR minutes IS NULL OR hours IS NULL OR days IS NULL OR months IS NULL
       OR weekdays IS NULL THEN
        RETURN NULL;
    END IF;
    FOR day IN SELECT d
        FROM generate_series(date_trunc('day', after AT TIME ZONE zone),
                             date_trunc('day', after AT TIME ZONE zone) + interval '1500 days', interval '1 day') AS d
    LOOP
        CONTINUE WHEN NOT extract(month FROM day) = ANY (months);
        -- Days of the month and of the week: either, when both are restricted.
        CONTINUE WHEN NOT CASE WHEN f[3] LIKE '*%' THEN extract(dow FROM day) = ANY (weekdays)
                               OR extract(isodow FROM day) = ANY (weekdays)
                               WHEN f[5] LIKE '*%' THEN extract(day FROM day) = ANY (days)
                               ELSE extract(day FROM day) = ANY (days) OR extract(dow FROM day) = ANY (weekdays)
                               OR extract(isodow FROM day) = ANY (weekdays) END;
        moment := (SELECT min((day + make_interval(hours => h, mins => m)) AT TIME ZONE zone)
                   FROM unnest(hours) AS h, unnest(minutes) AS m
                 WHERE (day + make_interval(hours => h, mins => m)) AT TIME ZONE zone > after);
        IF moment IS NOT NULL THEN
            RETURN moment;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION lpr_data.next_run(text, timestamptz) IS
    'When pg_cron runs a job of this schedule next; NULL when it has names, or is not a schedule.';

CREATE FUNCTION lpr.schedule_jobs()
    RETURNS TABLE (job text, schedule text, command text)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = current_user AND r.rolsuper) THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = 'jobs are scheduled by a superuser',
                              DETAIL = 'They run as the role that scheduled them.';
    END IF;
    IF NOT lpr_data.has_pg_cron() THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'pg_cron is not in this database',
            DETAIL = 'Without it all that ends still ends on time; SELECT * FROM lpr.jobs; tells what does not run.',
            HINT = format('Set shared_preload_libraries = ''pg_cron,lpr'', cron.database_name = %L and '
                          'cron.use_background_workers = on, restart, and CREATE EXTENSION pg_cron.',
                          current_database());
    END IF;
    IF current_setting('cron.use_background_workers', true) IS DISTINCT FROM 'on' THEN
        RAISE WARNING USING
            MESSAGE = 'pg_cron connects to run jobs',
            DETAIL = 'For that pg_hba.conf would have to let a superuser in without a password; a background worker '
                     'needs nothing.',
            HINT = 'Set cron.use_background_workers = on, and restart.';
    END IF;
    -- Jobs that another superuser scheduled, or that an earlier version had, are removed.
    EXECUTE 'SELECT count(cron.unschedule(j.jobid)) FROM cron.job AS j
             WHERE j.jobname LIKE ''lpr-%'' AND j.database = current_database()
               AND (j.username <> current_user OR j.jobname NOT IN (SELECT l.job FROM lpr_data.job_list() AS l))';
    FOR job, schedule, command IN SELECT l.job, l.schedule, l.command FROM lpr_data.job_list() AS l
    LOOP
        EXECUTE 'SELECT cron.alter_job(cron.schedule($1, $2, $3), active => true)' USING job, schedule, command;
        INSERT INTO lpr_data.job (job) VALUES (schedule_jobs.job)
        ON CONFLICT ON CONSTRAINT job_pkey DO UPDATE SET scheduled_at = excluded.scheduled_at,
            scheduled_by = excluded.scheduled_by;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION lpr.schedule_jobs() IS
    'Gives pg_cron the jobs of lpr.jobs, in place of those that it had of us, to be run as you; calling it again '
    'does no harm. For superusers, in the database of cron.database_name; with cron.use_background_workers = on no '
    'connection has to be trusted for it.';

CREATE FUNCTION lpr.unschedule_jobs()
    RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    unscheduled bigint := 0;
BEGIN
    IF lpr_data.has_pg_cron() THEN
        EXECUTE 'SELECT count(cron.unschedule(j.jobid)) FROM cron.job AS j WHERE j.jobname LIKE ''lpr-%'' AND '
                'j.database = current_database()' INTO unscheduled;
    END IF;
    DELETE FROM lpr_data.job;
    RETURN unscheduled;
END
$$;
COMMENT ON FUNCTION lpr.unschedule_jobs() IS
    'Takes the jobs off pg_cron again, as before DROP EXTENSION; returns how many. For superusers.';

CREATE FUNCTION lpr_data.jobs()
    RETURNS TABLE (job text, what text, schedule text, state text, last_run timestamp with time zone,
                   last_success timestamp with time zone, last_message text,
                   next_run timestamp with time zone, overdue boolean, otherwise text)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l record;
    j record;
    r record;
    since timestamptz;
    late boolean;
BEGIN
    PERFORM lpr_data.watching('O1', 'lpr_admin', 'lpr_oversight', 'lpr_privacy', 'lpr_records_officer');
    FOR l IN SELECT x.* FROM lpr_data.job_list() AS x
    LOOP
        job := l.job;
        what := l.what;
        schedule := l.schedule;
        otherwise := l.otherwise;
        state := CASE WHEN lpr_data.has_pg_cron() THEN 'not scheduled' ELSE 'no pg_cron' END;
        last_run := NULL; last_success := NULL; last_message := NULL; next_run := NULL; overdue := NULL;
        IF lpr_data.has_pg_cron() THEN
            EXECUTE 'SELECT c.jobid, c.schedule, c.active FROM cron.job AS c WHERE c.jobname = $1 AND c.database = '
                    'current_database() ORDER BY c.active DESC LIMIT 1' INTO j USING l.job;
            IF j.jobid IS NOT NULL THEN
                EXECUTE 'SELECT max(d.start_time) AS last_run,
                                max(d.start_time) FILTER (WHERE d.status = ''succeeded'') AS last_success,
                                (array_agg(d.status ORDER BY d.runid DESC))[1] AS status,
                                (array_agg(d.return_message ORDER BY d.runid DESC))[1] AS message
                         FROM cron.job_run_details AS d WHERE d.jobid = $1' INTO r USING j.jobid;
                schedule := j.schedule;
                last_run := r.last_run;
                last_success := r.last_success;
                last_message := r.message;
                next_run := CASE WHEN j.active THEN lpr_data.next_run(j.schedule, clock_timestamp()) END;
                -- Late is what should have begun ten minutes ago, counted from its last run, or from when it was
                -- scheduled; overdue, from the last that did well.
                since := (SELECT s.scheduled_at FROM lpr_data.job AS s WHERE s.job = l.job);
                late := lpr_data.next_run(j.schedule,
                                          greatest(r.last_run, since)) < clock_timestamp() - interval '10 minutes';
                overdue := lpr_data.next_run(j.schedule,
                                             greatest(r.last_success,
                                                      since)) < clock_timestamp() - interval '10 minutes';
                state := CASE WHEN NOT j.active THEN 'inactive' WHEN late THEN 'overdue'
                              WHEN r.status IS NULL THEN 'scheduled' WHEN r.status = 'succeeded' THEN 'well'
                              ELSE r.status END;
            END IF;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION lpr_data.jobs() TO lpr_admin, lpr_oversight, lpr_privacy, lpr_records_officer;
COMMENT ON FUNCTION lpr_data.jobs() IS 'What lpr.jobs shows.';

CREATE VIEW lpr.jobs WITH (security_barrier) AS
SELECT j.job, j.what, j.schedule, j.state, j.last_run, j.last_success, j.last_message, j.next_run, j.overdue,
       j.otherwise
FROM lpr_data.jobs() AS j;
GRANT SELECT ON lpr.jobs TO lpr_admin, lpr_oversight, lpr_privacy, lpr_records_officer;
COMMENT ON VIEW lpr.jobs IS
    'What pg_cron does beside the workers of the library, whether it did, and what happens where it does not (E9).';
COMMENT ON COLUMN lpr.jobs.job IS 'Name, of pg_cron''s job as well.';
COMMENT ON COLUMN lpr.jobs.what IS 'What it does.';
COMMENT ON COLUMN lpr.jobs.schedule IS 'When: minute, hour, day, month, weekday; of UTC.';
COMMENT ON COLUMN lpr.jobs.state IS
    'no pg_cron, not scheduled, inactive, scheduled (not run yet), starting, running, well, failed, or overdue: it '
    'should have run ten minutes ago.';
COMMENT ON COLUMN lpr.jobs.last_run IS 'When it began last.';
COMMENT ON COLUMN lpr.jobs.last_success IS 'When it last began a run that did well.';
COMMENT ON COLUMN lpr.jobs.last_message IS 'What that run said; of a job that looks, what is wrong.';
COMMENT ON COLUMN lpr.jobs.next_run IS 'When it runs next.';
COMMENT ON COLUMN lpr.jobs.overdue IS 'Whether it should have done well since last_success; NULL: it is not scheduled.';
COMMENT ON COLUMN lpr.jobs.otherwise IS 'What happens while it does not run.';
