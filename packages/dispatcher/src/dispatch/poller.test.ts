import fc from "fast-check";
import { expect, it } from "vitest";
import { VirtualTime } from "../../test/simulation/virtual-time.js";
import type { Unavailable } from "../engine/outcomes.js";
import type { PolledOutcome, PollRequest } from "../engine/polls.js";
import { EventStream } from "../events/events.js";
import { CallOff } from "../time/call-off.js";
import { EngineBackoff } from "./engine-backoff.js";
import { Poller } from "./poller.js";

const LEASED = { kind: "tasks", tasks: [], hasMore: false } as const satisfies PolledOutcome;
const lost = (why: string): Unavailable => {
  return { kind: "unavailable", why, status: null, retryAfterMs: undefined, mayHaveActed: true };
};

/** Of an engine that is not ready yet, or of what stands before it. */
const STARTING: Unavailable = {
  kind: "unavailable",
  why: "status 503",
  status: 503,
  retryAfterMs: undefined,
  mayHaveActed: true,
};

const REFUSED = { kind: "refused", status: 401, reason: null, message: "Unauthenticated." } as const;

/** An engine that holds polls, and the requests that it has read. */
class HoldingEngine {
  readonly requests: PollRequest[] = [];
  private readonly open: { readonly requestId: string; readonly answer: (outcome: PolledOutcome) => void }[] = [];
  private readonly leases = new Set<string>();

  readonly poll = (request: PollRequest): Promise<PolledOutcome> => {
    this.requests.push(request);
    const { requestId, signal } = request;
    return new Promise((answer) => {
      this.open.push({ requestId, answer });
      signal?.addEventListener("abort", () => answer(lost("aborted")), { once: true });
    });
  };

  readonly pollMs = (seconds: number): number => seconds * 1000;

  /** Leases a task through the poll, whether or not its client still waits. */
  lease(): void {
    const [first] = this.open;
    if (first !== undefined) this.leases.add(first.requestId);
  }

  /** Answers those that wait. */
  answer(): void {
    for (const { requestId, answer } of this.open.splice(0))
      answer(this.leases.has(requestId) ? LEASED : { kind: "empty", pollStatus: "empty" });
  }

  /** Those that wait are told that it is not there. */
  away(): void {
    this.say(STARTING);
  }

  say(outcome: PolledOutcome): void {
    for (const { answer } of this.open.splice(0)) answer(outcome);
  }

  /** The connections of those that wait break. */
  cut(): void {
    for (const { answer } of this.open.splice(0)) answer(lost("reset"));
  }
}

interface Begun {
  readonly engine: HoldingEngine;
  readonly poller: Poller;
  readonly time: VirtualTime;
  /** Nothing is to be leased any more. */
  readonly stopped: CallOff;
  /** There is no more time. */
  readonly givenUp: CallOff;
}

function begin(): Begun {
  const stopped = new CallOff();
  const givenUp = new CallOff();
  const engine = new HoldingEngine();
  const time = new VirtualTime(0);
  const backoff = new EngineBackoff({
    clock: time,
    events: new EventStream(),
    signal: stopped,
    onWait: () => undefined,
  });
  const poller = new Poller({
    client: engine,
    clock: time,
    backoff,
    subject: () => ({ namespace: "default", taskQueue: "q", workerId: "w" }),
    holdSeconds: () => 30,
    isRecalled: () => stopped.aborted,
    isStopped: () => stopped.aborted,
    givenUp,
  });
  return { engine, poller, time, stopped, givenUp };
}

it("a poll that is recalled again and again asks once what it has leased, and hears of it", async () => {
  const { engine, poller, time } = begin();
  const ended = poller.poll(4);
  engine.lease();
  for (let times = 0; times < 8; times++) {
    poller.recall();
    await time.until(times);
  }
  engine.answer();
  expect(await ended).toEqual({ outcome: LEASED, isRepeat: true });
  const [first, repeat, ...others] = engine.requests;
  expect(others).toEqual([]);
  expect(repeat).toMatchObject({ requestId: first?.requestId, maxTasks: 4, timeoutSeconds: 0, repeat: 1 });
});

it("a poll whose answer is lost is repeated until its engine, which is started again, is there", async () => {
  const { engine, poller, time } = begin();
  const ended = poller.poll(4);
  engine.lease();
  // Whoever connects is refused for some seconds, and then told that the engine is not ready.
  for (let second = 0; second < 40; second++) {
    await time.until(second * 1_000);
    engine.cut();
  }
  for (let second = 40; second < 200; second++) {
    await time.until(second * 1_000);
    engine.away();
  }
  await time.until(400_000);
  engine.answer();
  expect(await ended).toEqual({ outcome: LEASED, isRepeat: true });
  expect(new Set(engine.requests.map(({ requestId }) => requestId)).size).toBe(1);
});

it("a poll is not repeated for ever", async () => {
  const { engine, poller, time } = begin();
  const ended = poller.poll(1);
  for (let minute = 0; minute < 5; minute++) {
    await time.until(minute * 60_000);
    engine.cut();
  }
  expect(await ended).toMatchObject({ outcome: { kind: "unavailable" }, isRepeat: true });
});

const LAST_ANSWERS = [
  ["breaks off", (engine: HoldingEngine) => engine.cut()],
  ["is that the engine is not there", (engine: HoldingEngine) => engine.away()],
  ["is a refusal", (engine: HoldingEngine) => engine.say(REFUSED)],
  ["is that the same poll is wanted again", (engine: HoldingEngine) => engine.say({ ...STARTING, samePoll: true })],
] as const;

it.each(LAST_ANSWERS)(
  "once nothing is leased any more, a poll is repeated as long as there is time where each answer %s",
  async (_, fail) => {
    const { engine, poller, time, stopped, givenUp } = begin();
    const ended = poller.poll(4);
    engine.lease();
    engine.cut();
    await time.until(1_000);
    stopped.abort(undefined);
    for (let second = 1; second < 40; second++) {
      fail(engine);
      await time.until(second * 1_000);
    }
    // It is asked for now and then, not without a pause.
    expect(engine.requests.length).toBeGreaterThan(10);
    expect(engine.requests.length).toBeLessThan(80);
    await time.until(45_000);
    engine.answer();
    expect(await ended).toEqual({ outcome: LEASED, isRepeat: true });
    expect(new Set(engine.requests.map(({ requestId }) => requestId)).size).toBe(1);
    // Each says which it is, so that one that comes after a later one is known for it.
    expect(engine.requests.map(({ repeat = 0 }) => repeat)).toEqual([...engine.requests.keys()]);

    const next = poller.poll(4);
    engine.cut();
    await time.until(46_000);
    fail(engine);
    givenUp.abort(undefined);
    await time.until(47_000);
    fail(engine);
    expect(await next).toMatchObject({ isRepeat: true });
  },
);

it("once nothing is leased any more, a poll whose answer was lost more than a minute ago is given up", async () => {
  const { engine, poller, time, stopped } = begin();
  const ended = poller.poll(4);
  engine.cut();
  for (let second = 0; second < 90; second++) {
    await time.until(second * 1_000);
    engine.away();
  }
  stopped.abort(undefined);
  await time.until(90_000);
  engine.away();
  expect(await ended).toMatchObject({ outcome: STARTING, isRepeat: true });
});

const FAILED = [
  ["status 500", 500], // by an engine that has recorded the lease already
  ["status 502", 502],
  ["not_json", 503], // of a gateway whose connection to the engine has ended
  ["cut_off", 503],
  ["status 504", 504],
  ["not_json", 520],
  ["not_json", 524],
] as const;
it.each(FAILED)("a poll that is answered with %s (%i) asks again what it has leased", async (why, status) => {
  const { engine, poller, time } = begin();
  const ended = poller.poll(4);
  engine.lease();
  engine.say({ ...lost(why), status });
  await time.until(5_000);
  engine.answer();
  expect(await ended).toEqual({ outcome: LEASED, isRepeat: true });
  expect(new Set(engine.requests.map(({ requestId }) => requestId)).size).toBe(1);
});

it.each(FAILED)("nor is it given up while %s (%i) goes on for most of a minute", async (why, status) => {
  const { engine, poller, time } = begin();
  const ended = poller.poll(4);
  engine.lease();
  for (let second = 0; second < 40; second++) {
    await time.until(second * 1_000);
    engine.say({ ...lost(why), status });
  }
  await time.until(200_000);
  engine.answer();
  expect(await ended).toEqual({ outcome: LEASED, isRepeat: true });
  expect(new Set(engine.requests.map(({ requestId }) => requestId)).size).toBe(1);
});

it("a poll whose answer is lost is repeated once the token that its repeat was refused for is taken", async () => {
  const { engine, poller, time } = begin();
  const ended = poller.poll(4);
  engine.lease();
  engine.cut();
  await time.until(1_000);
  engine.say(REFUSED);
  await time.until(20_000);
  engine.answer();
  expect(await ended).toEqual({ outcome: LEASED, isRepeat: true });
  expect(new Set(engine.requests.map(({ requestId }) => requestId)).size).toBe(1);
});

it("a poll whose repeats are refused is not repeated for ever, and one that is refused at first not at all", async () => {
  const { engine, poller, time } = begin();
  const refused = poller.poll(1);
  engine.say(REFUSED);
  expect(await refused).toEqual({ outcome: REFUSED, isRepeat: false });
  const ended = poller.poll(1);
  engine.cut();
  for (let second = 1; second < 300; second++) {
    await time.until(second * 1_000);
    engine.say(REFUSED);
  }
  expect(await ended).toEqual({ outcome: REFUSED, isRepeat: true });
});

it("a poll that nothing can have been leased through ends with its first answer", async () => {
  const { engine, poller } = begin();
  const ended = poller.poll(1);
  engine.away();
  expect(await ended).toEqual({ outcome: STARTING, isRepeat: false });
});

it("polls that are recalled and cut off at any moment hear of what they have leased", async () => {
  const step = fc.constantFrom("recall", "recall", "lease", "cut", "away");
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const { engine, poller, time } = begin();
      const ended = poller.poll(1);
      let isLeased = false;
      let cuts = 0;
      let isLost = false;
      let now = 0;
      for (const each of steps) {
        if (each === "recall") poller.recall();
        else if (each === "lease") {
          engine.lease();
          isLeased = true;
        } else if (each === "away") {
          // What fails before anything could be lost ends the poll.
          if (isLost) engine.away();
        } else if (++cuts <= 2) {
          engine.cut();
          isLost = true;
        }
        // Whatever is waited for between two requests is over.
        now += 60_000;
        await time.until(now);
      }
      engine.answer();
      const { outcome } = await ended;
      expect(outcome.kind).toBe(isLeased ? "tasks" : "empty");
      expect(new Set(engine.requests.map(({ requestId }) => requestId)).size).toBe(1);
    }),
    { numRuns: 200 },
  );
});
