/**
 * Most runs have one attempt, and small payloads: these stand in the run's own row, which is written for each step anyway.
 *
 * An attempt has a row of its own in `attempts` as soon as there is something to tell of it that the run's row has no place
 * for: a heartbeat, or an end that is not that of the run. Until then, and for good where the run completes with it, its
 * columns are `attempt_*` of the run.
 */
export const OWN_ROWS_SQL = `
  ALTER TABLE runs ADD COLUMN attempt_event INTEGER;
  ALTER TABLE runs ADD COLUMN attempt_given_until INTEGER;
  ALTER TABLE runs ADD COLUMN poll_request_id TEXT;
  ALTER TABLE runs ADD COLUMN arguments TEXT;
  ALTER TABLE runs ADD COLUMN fingerprint TEXT; -- null where \`inputs\` has the row
  ALTER TABLE runs ADD COLUMN result TEXT; -- null where \`outcomes\` has the row, if there is any

  UPDATE runs SET attempt_event = a.event, attempt_given_until = a.lease_expires_at, poll_request_id = a.poll_request_id,
      beats_kept = iif(a.last_heartbeat_at IS NULL, 0, max(beats_kept, 1))
    FROM attempts a WHERE a.attempt_id = runs.attempt_id AND a.run = runs.id AND runs.task_status = 'leased';
  DELETE FROM attempts WHERE (run, number) IN
    (SELECT id, attempt_count FROM runs WHERE task_status = 'leased' AND attempt_id IS NOT NULL AND beats_kept = 0);
  DROP INDEX attempts_of_poll;
  DROP INDEX attempts_held;

  CREATE UNIQUE INDEX runs_of_attempt ON runs (attempt_id) WHERE attempt_id IS NOT NULL;
  CREATE INDEX runs_leased ON runs (id) WHERE task_status = 'leased';
`;
