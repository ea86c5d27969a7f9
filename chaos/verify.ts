import { existsSync } from "node:fs";
import { join } from "node:path";
import { explain } from "./explain.js";
import type { DoneFault } from "./injector.js";
import type { Ledger } from "./ledger.js";
import { linesOf } from "./lines.js";
import type { Part } from "./part.js";
import { historyOf, type RecordedAttempt, type RecordedRun, recordedRuns } from "./recorded.js";
import { Runs } from "./runs.js";
import { DISPATCHERS } from "./schedule.js";
import { FREE_REDELIVERIES } from "./settings.js";
import { Told } from "./told.js";
import { endOf, type Task, taskOf } from "./workload.js";

/** All histories are read up to so many runs; of more, as many, evenly. */
const MOST_HISTORIES = 20_000;
/** Those with more attempts are read in any case. */
const MANY_ATTEMPTS = 4;
const READERS = 8;
/** Failures that are of what lies between engine and handler, not of the handler. */
const DISTURBANCES = new Set([
  "CarrierUnreachable",
  "CarrierTimeout",
  "CallerDisconnected",
  "MalformedOutput",
  "LeaseExpired",
  "ExternalTaskDeadlineExceeded",
  // On a slow machine, a cancellation may come late.
  "NotCancelled",
]);
const END_EVENT: Readonly<Record<string, string>> = {
  completed: "WorkflowCompleted",
  failed: "WorkflowFailed",
  timed_out: "WorkflowFailed",
  cancelled: "WorkflowCancelled",
};

export interface VerifyInputs {
  readonly folder: string;
  readonly engineUrl: string;
  readonly seed: number;
  readonly tasks: number;
  readonly ledger: Ledger;
  readonly parts: ReadonlyMap<string, Part>;
  readonly faults: readonly DoneFault[];
}

/** What is kept of a run whose history is to be read. */
interface RunInShort {
  readonly id: string;
  readonly runId: string;
  readonly status: string;
  readonly attempts: number;
}

/** What was found out about a run. */
export class Verification {
  /** All that is wrong, each in a sentence. */
  readonly wrong: string[] = [];
  acknowledged = 0;
  recordedRuns = 0;
  recordedAttempts = 0;
  handlerRuns = 0;
  histories = 0;
  /** Runs of an id beyond the acknowledged one: the network has repeated a start. */
  repeatedStarts = 0;
  /** Reported attempts of which no dispatcher said how they ended: it was killed before it could. */
  untold = 0;
  effects = 0;
  readonly ends = new Map<string, number>();
  /** Ends of attempts that are not their handlers' own. */
  readonly disturbed = new Map<string, number>();
  /** Activities that did not end as they would have: their attempts were used up. */
  readonly usedUp = new Map<string, number>();
  /** Attempts that ran more than once, by what explains it. */
  readonly repeated = new Map<string, number>();
  readonly told = new Map<string, number>();
  warnings: ReadonlyMap<string, number> = new Map();

  say(problem: string): void {
    this.wrong.push(problem);
  }
}

export async function verify(inputs: VerifyInputs): Promise<Verification> {
  return new Verifier(inputs).run();
}

class Verifier {
  private readonly found = new Verification();
  private readonly inputs: VerifyInputs;
  private told = new Told();
  private runs: Runs | undefined;
  private readonly seen: Uint8Array;
  private readonly killedPids = new Set<number>();

  constructor(inputs: VerifyInputs) {
    this.inputs = inputs;
    this.seen = new Uint8Array(inputs.tasks);
    for (const name of DISPATCHERS) {
      for (const { pid, end } of inputs.parts.get(name)?.lives ?? []) if (end !== "ended") this.killedPids.add(pid);
    }
  }

  async run(): Promise<Verification> {
    const { found, inputs } = this;
    const { folder, engineUrl, parts, tasks, ledger } = inputs;
    ledger.catchUp();
    for (const problem of ledger.problems) found.say(problem);
    found.acknowledged = ledger.acknowledgedCount;
    if (found.acknowledged !== ledger.begunCount) {
      found.say(`${found.acknowledged} of ${ledger.begunCount} starts were acknowledged`);
    }
    const runs = await Runs.read(join(folder, "runs.log"), tasks, ledger);
    this.runs = runs;
    found.handlerRuns = runs.total;
    this.told = await Told.read(DISPATCHERS.map((name) => parts.get(name)?.output ?? ""));
    found.warnings = this.told.warnings;
    const histories: RunInShort[] = [];
    const step = Math.max(1, Math.ceil(found.acknowledged / MOST_HISTORIES));
    for await (const run of recordedRuns(engineUrl)) {
      this.checkRun(run);
      if (found.recordedRuns % step === 0 || run.attempts.length > Math.min(1 + step, MANY_ATTEMPTS)) {
        const { activity_id: id, workflow_run_id: runId, status, attempts } = run;
        histories.push({ id, runId, status, attempts: attempts.length });
      }
    }
    for (let index = 0; index < tasks; index++) {
      if (ledger.runIdOf(index) !== undefined && this.seen[index] !== 1)
        found.say(`t-${index} was acknowledged, and is not recorded`);
    }
    await this.checkHistories(histories);
    this.checkTold();
    this.explainRepeats(runs);
    await this.countEffects();
    return found;
  }

  private checkRun(run: RecordedRun): void {
    const { found, inputs } = this;
    const { activity_id: id, workflow_run_id: runId, status, attempts } = run;
    found.recordedRuns++;
    const index = Number(id.slice(2));
    const isAcknowledged = inputs.ledger.runIdOf(index) === runId;
    if (isAcknowledged) {
      if (this.seen[index] === 1) found.say(`${id} is on record twice as run ${runId}`);
      this.seen[index] = 1;
    } else {
      found.repeatedStarts++;
      const isRepeated = inputs.ledger.isStartedAgain(index) || inputs.faults.some(isOfStarts);
      if (!isRepeated) {
        found.say(`${id} has a run ${runId} that nobody has started`);
      }
    }
    const task = taskOf(inputs.seed, index, inputs.tasks);
    this.checkPolicy(task, run);
    for (const attempt of attempts) this.checkAttempt(task, attempt, isAcknowledged);
    if (isAcknowledged) this.checkEnd(task, run);
    if (task.kind === "once" && status === "completed") this.checkEffect(run);
  }

  private checkPolicy({ id, maxAttempts }: Task, { attempts, status, attempt_count: counted }: RecordedRun): void {
    const { found } = this;
    const expired = attempts.filter((one) => one.status === "expired").length;
    if (END_EVENT[status] === undefined) found.say(`${id} is ${status}`);
    if (counted !== attempts.length) found.say(`${id} counts ${counted} attempts and has ${attempts.length}`);
    if (attempts.length - Math.min(expired, FREE_REDELIVERIES) > maxAttempts) {
      found.say(`${id} took ${attempts.length} attempts of ${maxAttempts}, ${expired} of which expired`);
    }
    attempts.forEach(({ attempt_number: number, status: ended }, place) => {
      if (number !== place + 1) found.say(`${id} has ${number} as attempt ${place + 1}`);
      const isLast = place === attempts.length - 1;
      if ((ended === "completed") !== (isLast && status === "completed")) {
        found.say(`${id} is ${status}, its attempt ${number} ${ended}`);
      }
    });
  }

  private checkAttempt(task: Task, attempt: RecordedAttempt, isAcknowledged: boolean): void {
    const { found } = this;
    const { id, attempt_number: number, status, lease_owner: owner } = attempt;
    found.recordedAttempts++;
    if (status === "expired" || status === "timed_out") count(found.disturbed, status);
    // Where a start was repeated, the attempts of two runs have the same numbers.
    if (isAcknowledged && status === "completed" && this.runs?.has(task.index, number) === false) {
      found.say(`${task.id} attempt ${number} is completed, and has not run`);
    }
    const told = this.told.of(id);
    if (told.length > 1) found.say(`${task.id} attempt ${number} was told ${told.map(({ end }) => end).join(" and ")}`);
    for (const { end, detail } of told) {
      count(found.told, end);
      const isContrary = (end === "completed" || end === "failed") && end !== status;
      if (isContrary)
        found.say(`${task.id} attempt ${number} was told as ${end} (${detail}), is recorded as ${status}`);
      if (end === "failed" && detail !== null && DISTURBANCES.has(detail)) count(found.disturbed, detail);
    }
    if (told.length > 0 || (status !== "completed" && status !== "failed")) return;
    const pid = Number(/-(\d+)-[0-9a-f]{8}:/.exec(owner ?? "")?.[1]);
    found.untold++;
    if (!this.killedPids.has(pid)) {
      found.say(`${task.id} attempt ${number} is ${status}, and ${owner}, which was not killed, has not told of it`);
    }
  }

  /** The end is one, the same for engine and client, and one that its kind may have. */
  private checkEnd(task: Task, { status, attempts }: RecordedRun): void {
    const { found } = this;
    const told = this.inputs.ledger.endOf(task.index);
    count(found.ends, status);
    if (told === undefined) {
      found.say(`${task.id} is ${status}, and its client was not told`);
      return;
    }
    // What a limit has ended is a failure to the engine's lists, and a kind of its own to clients.
    const isTimeout = told.kind === "timed_out" && status === "failed";
    if (told.kind !== status && !isTimeout) found.say(`${task.id} is ${status}, and its client was told ${told.kind}`);
    const expected = endOf(task);
    if (status === expected.end && (expected.type === undefined || expected.type === told.type)) return;
    if (DISTURBANCES.has(told.type) || isTimeout || status === "timed_out" || told.type === "-") {
      count(found.usedUp, `${task.kind}: ${status} (${told.type})`);
      if (attempts.length < task.maxAttempts && told.type !== "NotCancelled") {
        found.say(
          `${task.id}, ${task.kind}, is ${status} (${told.type}) after ${attempts.length} of ${task.maxAttempts} attempts`,
        );
      }
      return;
    }
    found.say(`${task.id}, ${task.kind}, is ${status} (${told.type}), and was to be ${expected.end}`);
  }

  private async checkHistories(runs: readonly RunInShort[]): Promise<void> {
    const { found, inputs } = this;
    let next = 0;
    const reader = async (): Promise<void> => {
      for (let run = runs[next++]; run !== undefined; run = runs[next++]) {
        const { id, runId, status, attempts } = run;
        const events = await historyOf(inputs.engineUrl, id, runId);
        found.histories++;
        events.forEach(({ sequence }, place) => {
          if (sequence !== place + 1) found.say(`${id} has event ${sequence} in the place of ${place + 1}`);
        });
        const ends = events.filter(({ event_type: type }) => Object.values(END_EVENT).includes(type));
        if (ends.length !== 1 || ends[0]?.event_type !== END_EVENT[status]) {
          found.say(`${id} ends ${ends.map(({ event_type: type }) => type).join(" and ")}, and is ${status}`);
        }
        const begun = events.filter(({ event_type: type }) => type === "ActivityStarted").length;
        if (begun !== attempts) found.say(`${id} has ${begun} attempts in its history, and ${attempts}`);
      }
    };
    await Promise.all(Array.from({ length: READERS }, reader));
  }

  /** Nothing is told that is not on record. */
  private checkTold(): void {
    const { found, told } = this;
    const sum = [...found.told.values()].reduce((one, other) => one + other, 0);
    const more = [...told.twice.values()].reduce((one, ends) => one + ends.length - 1, 0);
    const all = told.attempts + more;
    if (sum !== all) found.say(`${all - sum} ends were told of attempts that are not recorded`);
  }

  private explainRepeats(runs: Runs): void {
    const { found, inputs } = this;
    for (const repeated of runs.repeated) {
      const { carrier, id } = taskOf(inputs.seed, repeated.index, inputs.tasks);
      const why = explain(repeated, carrier, inputs.faults);
      if (why === undefined)
        found.say(`${id} attempt ${repeated.attempt} ran ${repeated.at.length} times, and no fault was near`);
      else count(found.repeated, why);
    }
  }

  private checkEffect({ activity_id: id, activity_execution_id: execution }: RecordedRun): void {
    if (!existsSync(join(this.inputs.folder, "effects", execution))) {
      this.found.say(`${id} is completed, and has had no effect`);
    }
  }

  private async countEffects(): Promise<void> {
    const had = new Set<string>();
    for await (const line of linesOf(join(this.inputs.folder, "effects.log"))) {
      this.found.effects++;
      if (had.has(line)) this.found.say(`the effect of ${line} was had twice`);
      had.add(line);
    }
  }
}

/** Whether a fault can have a start heard twice: a proxy sends it twice, or the client is killed before it notes the answer. */
function isOfStarts({ kind, target }: DoneFault): boolean {
  return (kind === "harm" && target === "client>engine") || (kind === "kill" && target === "client");
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
