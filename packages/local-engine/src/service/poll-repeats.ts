import type { PollRequest } from "./leases.js";

/** A poll that waits. */
export interface Wait<Outcome> {
  readonly outcome: Promise<Outcome>;
  /** Nobody will read its answer. */
  readonly giveUp: () => void;
  /** Lets it end so many milliseconds from now, sooner or later than it would have. */
  readonly endIn: (ms: number) => void;
}

/** Calls back if the client goes before it has its answer. */
export type OnCancel = (gone: () => void) => void;

interface Reader {
  /** When its own time is up. */
  readonly untilMs: number;
}

interface Shared<Outcome> {
  readonly wait: Wait<Outcome>;
  /** Who waits for the answer, in the order in which they asked. */
  readonly readers: Set<Reader>;
}

interface Options<Outcome> {
  readonly begin: (request: PollRequest, timeoutMs: number) => Wait<Outcome>;
  /** Whether an outcome is told again to those who ask again. */
  readonly isEmpty: (outcome: Outcome) => boolean;
  /** Whether an outcome has tasks. */
  readonly isGiven: (outcome: Outcome) => boolean;
  /** What those are told who are too many. */
  readonly crowded: Outcome;
  readonly maxReaders: number;
  readonly rememberMs: number;
  readonly nowMs: () => number;
}

/** Answers that are remembered at most. */
const MOST_REMEMBERED = 20_000;
/** A request that does not say which of its poll it is, is overtaken by its repeat by no more than this. */
const OVERTAKEN_MS = 10_000;

/**
 * Polls with a request id, as the server has them: a repeat is held until the first poll of its id ends, however short its
 * own timeout is, and gets the same answer. An empty answer is given again for a while. Other than there it is noticed when
 * the client of the first has gone: then the time of those counts who have asked again, and where nobody is left the poll
 * ends, and the next of its id is a first one.
 *
 * The first may also come after its repeat, from a client that has gone: where that was given tasks, and has done them, the first
 * is given no others, which nobody would hear of. Of clients that number their requests, `PollOrder` knows more.
 */
export class PollRepeats<Outcome> {
  private readonly options: Options<Outcome>;
  private readonly running = new Map<string, Shared<Outcome>>();
  /** Empty answers, the oldest first. */
  private readonly empties = new Map<string, { readonly outcome: Outcome; readonly untilMs: number }>();
  /** Polls that were given tasks, and until when that is remembered; the oldest first. */
  private readonly given = new Map<string, number>();
  private readers = 0;

  constructor(options: Options<Outcome>) {
    this.options = options;
  }

  poll(request: PollRequest, timeoutMs: number, onCancel: OnCancel): Promise<Outcome> {
    const key = keyOf(request);
    const running = this.running.get(key);
    if (running !== undefined) {
      if (this.readers >= this.options.maxReaders) return Promise.resolve(this.options.crowded);
      return this.read(key, running, timeoutMs, onCancel);
    }
    const empty = this.emptyAgain(key);
    if (empty !== undefined) return empty;
    // The contract lets an id be used again once what it was given is done; those who ask for several at once never do.
    const isGiven = request.maxTasks !== undefined && (this.given.get(key) ?? 0) > this.options.nowMs();
    const wait = this.options.begin(isGiven ? { ...request, onlyAgain: true } : request, isGiven ? 0 : timeoutMs);
    const shared: Shared<Outcome> = { wait, readers: new Set() };
    this.running.set(key, shared);
    wait.outcome.then(
      (outcome) => {
        if (this.options.isGiven(outcome)) this.rememberGiven(key);
        if (this.running.get(key) !== shared) return;
        this.running.delete(key);
        if (this.options.isEmpty(outcome) && !isGiven) this.remember(key, outcome);
      },
      () => {
        if (this.running.get(key) === shared) this.running.delete(key);
      },
    );
    return this.read(key, shared, timeoutMs, onCancel);
  }

  private read(key: string, shared: Shared<Outcome>, timeoutMs: number, onCancel: OnCancel): Promise<Outcome> {
    const { wait, readers } = shared;
    const { nowMs } = this.options;
    const reader: Reader = { untilMs: nowMs() + timeoutMs };
    readers.add(reader);
    this.readers++;
    const leave = (): boolean => {
      const isReading = readers.delete(reader);
      if (isReading) this.readers--;
      return isReading;
    };
    onCancel(() => {
      const [first] = readers;
      if (!leave() || this.running.get(key) !== shared) return;
      if (readers.size === 0) {
        this.running.delete(key);
        wait.giveUp();
      } else if (first === reader) {
        wait.endIn(Math.max(0, ...[...readers].map(({ untilMs }) => untilMs - nowMs())));
      }
    });
    return wait.outcome.finally(leave);
  }

  private emptyAgain(key: string): Promise<Outcome> | undefined {
    const empty = this.empties.get(key);
    if (empty === undefined || empty.untilMs <= this.options.nowMs()) return undefined;
    return Promise.resolve(empty.outcome);
  }

  private rememberGiven(key: string): void {
    const now = this.options.nowMs();
    for (const [other, untilMs] of this.given) {
      if (untilMs > now && this.given.size < MOST_REMEMBERED) break;
      this.given.delete(other);
    }
    this.given.delete(key);
    this.given.set(key, now + OVERTAKEN_MS);
  }

  private remember(key: string, outcome: Outcome): void {
    const now = this.options.nowMs();
    for (const [other, { untilMs }] of this.empties) {
      if (untilMs > now && this.empties.size < MOST_REMEMBERED) break;
      this.empties.delete(other);
    }
    this.empties.delete(key);
    this.empties.set(key, { outcome, untilMs: now + this.options.rememberMs });
  }
}

function keyOf({ worker, pollRequestId }: PollRequest): string {
  const { namespace, taskQueue, workerId, fence } = worker;
  return JSON.stringify([namespace, taskQueue, workerId, fence, pollRequestId]);
}
