// A file with very many runs in minutes: those of a smaller one, copied by SQL, with ids of their own.
import { statSync } from "node:fs";
import { sqliteDriver } from "../../packages/local-engine/dist/store/driver.js";

/**
 * Columns of ULIDs that no two rows have in common. The first characters of their chance become the number of the copy: those of one
 * millisecond are counted upwards, and may differ in their last characters alone.
 */
const IDS = new Set(["activity_id", "run_id", "execution_id", "command_id", "task_id", "attempt_id"]);
/** How each table names the run that its row is of. */
const TABLES = { runs: "id", attempts: "run", events: "run", inputs: "run", outcomes: "run", superseded_tasks: "run" };
const TIME_DIGITS = 10;
const DIGITS = 5;

/**
 * Copies every run of a file that no engine has open so many times more. Indexes are made anew at the end: that is what makes
 * it fast.
 *
 * @param {string} file
 * @param {number} times
 * @returns bytes of the file for each run
 */
export function multiplyRuns(file, times) {
  const db = sqliteDriver().open(file);
  /** @param {string} sql @returns {any[]} */
  const all = (sql) => db.prepare(sql).all();
  for (const pragma of ["journal_mode = OFF", "synchronous = OFF", "cache_size = -400000", "temp_store = FILE"]) {
    db.pragma(pragma);
  }
  const indexes = all("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL");
  for (const { name } of indexes) db.exec(`DROP INDEX ${name}`);
  const [{ id: last }] = all("SELECT max(id) AS id FROM runs");
  const copies = Object.entries(TABLES).flatMap(([table, run]) => {
    if (all(`SELECT 1 FROM ${table} LIMIT 1`).length === 0) return [];
    const columns = all(`SELECT name FROM pragma_table_info('${table}')`);
    const values = columns.map(({ name }) => {
      if (name === run) return `${name} + ?1 * ${last}`;
      // Those of attempts are in upper case.
      if (!IDS.has(name)) return name;
      return `substr(${name}, 1, ${TIME_DIGITS}) || printf('%0${DIGITS}d', ?1) || substr(${name}, ${TIME_DIGITS + DIGITS + 1})`;
    });
    const names = columns.map(({ name }) => name).join(", ");
    const sql = `INSERT INTO ${table} (${names}) SELECT ${values.join(", ")} FROM ${table} WHERE ${run} <= ${last}`;
    return [db.prepare(sql)];
  });
  for (let copy = 1; copy <= times; copy++) for (const statement of copies) statement.run(copy);
  for (const { sql } of indexes) db.exec(sql);
  const [{ runs }] = all("SELECT count(*) AS runs FROM runs");
  db.pragma("journal_mode = DELETE");
  db.close();
  return statSync(file).size / runs;
}
