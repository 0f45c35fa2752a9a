# jobs: pg_cron does what the workers do, and looks whether they do; without it all that ends still ends (preload.c plays the clock).
use strict;
use warnings;
use LprAccess;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->make('jobs', preload => 'pg_cron,lpr', conf => "cron.database_name = 'lpr'\ncron.use_background_workers = on\nmax_worker_processes = 20\n", world => 1);
$node->start;
$node->vendor_start;
$node->stage('lpr', cache => 1);
$node->await_answers;

sub db { my ($sql) = @_; return $node->answer('postgres', $sql) }
sub state_of { my ($job) = @_; return $node->answer('admin1', "SELECT state FROM lpr.jobs WHERE job = '$job'") }

# To the end of a minute: the next one begins in two seconds, and pg_cron starts what is due in it.
sub to_minute
{
	my ($moment) = @_;
	return $node->clock_to($moment, -2);
}
sub runs { my ($job) = @_; return db("SELECT count(*) FROM cron.job_run_details AS d JOIN cron.job AS j USING (jobid) WHERE j.jobname = '$job' AND d.status IN ('succeeded', 'failed')") }

# A job's next run, waited for; its state afterwards.
sub run_next
{
	my ($job) = @_;
	my $before = runs($job);

	to_minute("SELECT next_run FROM lpr.jobs WHERE job = '$job'");
	LprTest::eventually(sub { runs($job) > $before });
	return state_of($job);
}

# ---- without pg_cron ----

is($node->answer('oversight1', 'SELECT count(*), count(DISTINCT state), min(state), count(otherwise) FROM lpr.jobs'), '9|1|no pg_cron|9', 'without pg_cron the report says what does not run');
like($node->messages('postgres', 'SELECT lpr.schedule_jobs()'), qr/55000: pg_cron is not in this database\nDETAIL.*\nHINT: .*CREATE EXTENSION pg_cron/, '… and how to have it');
is(db('SELECT lpr.unschedule_jobs()'), 0, '… there is nothing to unschedule');
like($node->messages('analyst1', 'SELECT * FROM lpr.jobs'), qr/permission denied/, 'not for analysts');
like($node->messages('admin1', 'SELECT lpr.schedule_jobs()'), qr/permission denied/, 'administrators do not schedule');

# ---- when the next run is ----

my $at = '2026-11-26 10:07:30+00';
for (
	[ '3-59/5 * * * *', '2026-11-26 10:08' ], [ '* * * * *', '2026-11-26 10:08' ], [ '7 * * * *', '2026-11-26 11:07' ], [ '20 3 * * *', '2026-11-27 03:20' ],
	[ '0 12 * * 7', '2026-11-29 12:00' ], [ '0 12 * * 0', '2026-11-29 12:00' ], [ '0 12 1,15 * 1', '2026-11-30 12:00' ], [ '0 0 29 2 *', '2028-02-29 00:00' ],
	[ '*/20 8-12/2 * * *', '2026-11-26 10:20' ], [ '0 0 1 jan *', '' ], [ '0 0 31 2 *', '' ], [ 'x', '' ], [ '*/0 * * * *', '' ])
{
	is(db("SELECT to_char(lpr_data.next_run('$_->[0]', '$at') AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')"), $_->[1], "after 10:07 of a Thursday: $_->[0]");
}

# ---- scheduled ----

db('CREATE EXTENSION pg_cron');
is($node->answer('oversight1', 'SELECT DISTINCT state FROM lpr.jobs'), 'not scheduled', 'pg_cron alone does nothing');
db("CREATE ROLE other_root LOGIN SUPERUSER");
db("SET SESSION AUTHORIZATION other_root; SELECT cron.schedule('lpr-old', '1 1 1 1 *', 'SELECT 1'); SELECT cron.schedule('theirs', '1 1 1 1 *', 'SELECT 1')");
is(db('SELECT count(*) FROM lpr.schedule_jobs()'), 9, 'scheduled');
my $numbers = db("SELECT string_agg(jobid::text, ' ' ORDER BY jobid) FROM cron.job WHERE jobname ~ '^lpr-'");
db("SELECT cron.alter_job(jobid, schedule => '1 1 1 1 *', active => false) FROM cron.job WHERE jobname = 'lpr-mail'");
is(db('SELECT count(*) FROM lpr.schedule_jobs()'), 9, '… twice');
is(db("SELECT string_agg(jobid::text, ' ' ORDER BY jobid) FROM cron.job WHERE jobname ~ '^lpr-'"), $numbers, '… they keep their history');
is(db("SELECT count(*) || ' ' || count(*) FILTER (WHERE jobname = 'theirs') || ' ' || count(*) FILTER (WHERE jobname = 'lpr-old') FROM cron.job"), '10 1 0', '… is as good as once; old ones went, others stay');
is($node->answer('oversight1', "SELECT DISTINCT state, overdue FROM lpr.jobs WHERE state <> 'well'"), 'scheduled|f', 'what has not run yet is scheduled, and not late'); # a minute may begin here
is(db('SELECT count(*) FROM lpr.jobs WHERE overdue'), 0, '… nor is what has');
is(db('SELECT count(*) FROM lpr.jobs WHERE next_run > clock_timestamp()'), 9, '… all will');
like(db("SELECT string_agg((payload::json)->>'action', ' ') FROM lpr_data.audit WHERE (payload::json)->>'table' = 'lpr_data.job'"), qr/insert/, '… on record');

# ---- they run ----

is(run_next('lpr-checkpoints'), 'well', 'a look at the audit log: well');
is(run_next('lpr-mail'), 'well', 'a look at mail: well, since no mail has waited for an hour');
is(run_next('lpr-purge'), 'well', 'purge');
is(run_next('lpr-expiry'), 'well', 'a look at what has expired');
is(run_next('lpr-reminders'), 'well', 'reminders');
is(db('SELECT bool_and(last_run = last_success AND next_run > last_run) FROM lpr.jobs WHERE state = \'well\''), 't', 'the report tells when');
$node->move_clock(3700);
is(run_next('lpr-mail'), 'failed', 'mails that nobody sends for an hour');
like($node->answer('admin1', "SELECT last_message FROM lpr.jobs WHERE job = 'lpr-mail'"), qr/the mail worker is off \(lpr\.smtp_url is not set\); \d+ mails wait/, '… and the report says so');

# Destruction: listed by the job, of nobody.
my $schedule = $node->answer('records1', "SELECT lpr.propose_schedule('ATS', '1 day', 'Compared with the schedule as the archivist published it.')");
$node->answer($_, "SELECT lpr.verify_schedule($schedule, 'Compared with the schedule as the archivist published it.')") for qw(records1 records2);
$node->answer('analyst1', "SELECT array_agg(read_id) AS ids FROM (SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK20' LIMIT 3) AS r\n\\gset\n"
	. "SELECT lpr.save(1, 'acme', :'ids', 'The courier of that night drives it, by the log of the officer on duty.', 'illicit_activity'); SELECT lpr.close_event(1, 'two arrests')");
is(run_next('lpr-destroy-due'), 'well', 'destruction: nothing is due');
is(db('SELECT count(*) FROM lpr_data.destruction_order'), 0, '… nor listed');
$node->move_clock(2 * 86400);
is(run_next('lpr-destroy-due'), 'well', 'destruction, two days later');
is($node->answer('records1', 'SELECT reads, made_by IS NULL, state FROM lpr.destruction_orders'), '3|t|waiting', '… a list waits for its release');
is(db('SELECT count(*) FROM lpr_data.event_read'), 3, '… nothing goes by itself');
is(run_next('lpr-dispose-due'), 'well', 'what is about people: nothing is due');
is(db('SELECT count(*) FROM lpr_data.disposal'), 0, '… nor listed');
is(run_next('lpr-close-over'), 'well', 'events that ran out');

# ---- late, off, trimmed ----

db("SELECT cron.alter_job(jobid, active => false) FROM cron.job WHERE jobname = 'lpr-purge'");
is(state_of('lpr-purge'), 'inactive', 'a job that was switched off');
$node->move_clock(1800);
is($node->answer('admin1', "SELECT overdue FROM lpr.jobs WHERE job = 'lpr-purge'"), 't', '… is late after a while');
db("SELECT cron.alter_job(jobid, active => true) FROM cron.job WHERE jobname = 'lpr-purge'");
is(run_next('lpr-purge'), 'well', '… until it runs again');
db("INSERT INTO cron.job_run_details (jobid, database, command, status, start_time, end_time) SELECT jobid + 100, database, command, 'succeeded', now() - interval '8 days', now() - interval '8 days' FROM cron.job WHERE jobname IN ('theirs', 'lpr-purge') RETURNING 1");
is(run_next('lpr-history'), 'well', 'history is trimmed');
is(db("SELECT string_agg(d.command, ' ') FROM cron.job_run_details AS d WHERE d.start_time < clock_timestamp() - interval '7 days'"), 'SELECT 1', '… ours, and nobody else\'s');

# ---- the looks ----

like($node->messages('postgres', "BEGIN; CREATE TABLE lpr_data.cache_answer_2020010100 PARTITION OF lpr_data.cache_answer FOR VALUES FROM ('2020-01-01') TO ('2020-01-01 01:00'); SELECT lpr_data.look('expiry'); ROLLBACK"),
	qr/55000: \d+ tables of the cache are past their time, the first since (?:2019-12-31|2020-01-01) /, 'what has expired and is still there');
like($node->messages('postgres', "BEGIN; DELETE FROM lpr_data.checkpoint; ROLLBACK") , qr/LP031/, 'checkpoints stay');

# ---- off again ----

is(db('SELECT lpr.unschedule_jobs()'), 9, 'unscheduled');
is(db("SELECT string_agg(jobname, ' ') FROM cron.job"), 'theirs', '… others stay');
is($node->answer('oversight1', 'SELECT DISTINCT state FROM lpr.jobs'), 'not scheduled', '… and told');
$node->sound('in the end');
$node->stop;

# ---- pg_cron that connects ----

$node->append_conf('postgresql.conf', "cron.use_background_workers = off\n");
$node->start;
like($node->messages('postgres', 'SELECT count(*) FROM lpr.schedule_jobs()'), qr/WARNING: .*pg_cron connects to run jobs\nDETAIL/, 'without background workers: told');
$node->stop;
done_testing();
