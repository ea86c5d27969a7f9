import { describe, expect, it, vi } from "vitest";
import { activityTaskEnvelope } from "../../../test/support/envelopes.js";
import { NOON } from "../../../test/support/fake-clock.js";
import {
  type ActivityTaskInput,
  type DeadlinesWire,
  type LeaseWire,
  parseExternalTaskInput,
} from "../../protocol/index.js";
import { postpone } from "../heartbeat/postpone.js";
import { type DeadlineName, type RunDeadlines, readRunDeadlines, type UnreadableDeadline } from "./deadlines.js";

const MINUTE_MS = 60_000;
const NONE: DeadlinesWire = { schedule_to_start: null, start_to_close: null, schedule_to_close: null, heartbeat: null };

interface Times {
  readonly lease?: Partial<LeaseWire>;
  readonly deadlines?: Partial<DeadlinesWire>;
}

/** A task whose lease ends at 12:30, with no deadline but those given. */
function times(changes: Times = {}, platformLimit?: number, now = NOON): RunDeadlines | UnreadableDeadline {
  const envelope = activityTaskEnvelope({ lease: changes.lease ?? {}, deadlines: { ...NONE, ...changes.deadlines } });
  return readRunDeadlines(parseExternalTaskInput(envelope) as ActivityTaskInput, now, platformLimit);
}

function at(minute: number): string {
  return `2999-06-01T12:${String(minute).padStart(2, "0")}:00Z`;
}

function readable(changes: Times = {}, platformLimit?: number, now = NOON): RunDeadlines {
  const found = times(changes, platformLimit, now);
  if ("unreadable" in found) throw new Error(`${found.unreadable} cannot be read`);
  return found;
}

function names(found: RunDeadlines | UnreadableDeadline): readonly (string | undefined)[] {
  return "unreadable" in found ? [] : [found.first(false)?.name, found.first(true)?.name];
}

const RENEWED = { renewed_by: "dispatcher-1" };
const LEASE = "lease.expires_at";

describe("readRunDeadlines", () => {
  it("keeps the name, the instant and the text of the first deadline to pass", () => {
    const found = readable({ deadlines: { start_to_close: "2999-06-01T14:10:00.5+02:00" } });
    const expected = {
      name: "deadlines.start_to_close",
      at: NOON + 10 * MINUTE_MS + 500,
      expiresAt: "2999-06-01T14:10:00.5+02:00",
    };
    expect(found.first(false)).toMatchObject(expected);
    expect(found.first(true)).toMatchObject(expected);
  });

  it.each([
    // deadlines, lease, first on receipt, first while running
    [{}, {}, LEASE, LEASE],
    [{ schedule_to_start: at(5) }, {}, "deadlines.schedule_to_start", LEASE],
    [{ start_to_close: at(5) }, {}, "deadlines.start_to_close", "deadlines.start_to_close"],
    [{ schedule_to_close: at(5) }, {}, "deadlines.schedule_to_close", "deadlines.schedule_to_close"],
    [{ heartbeat: at(5) }, {}, "deadlines.heartbeat", "deadlines.heartbeat"],
    [{ heartbeat: at(45), start_to_close: at(50) }, {}, LEASE, LEASE],
    [{ schedule_to_start: at(5), heartbeat: at(6) }, {}, "deadlines.schedule_to_start", "deadlines.heartbeat"],

    // the caller renews: lease and heartbeat never count
    [{}, RENEWED, undefined, undefined],
    [{ heartbeat: at(5) }, RENEWED, undefined, undefined],
    [{ heartbeat: at(5), start_to_close: at(40) }, RENEWED, "deadlines.start_to_close", "deadlines.start_to_close"],
    [{ schedule_to_start: at(5) }, RENEWED, "deadlines.schedule_to_start", undefined],
    [{ schedule_to_close: at(45) }, RENEWED, "deadlines.schedule_to_close", "deadlines.schedule_to_close"],

    // of two that pass at the same instant, the first in the contract's order
    [{ start_to_close: at(5), schedule_to_close: at(5) }, {}, "deadlines.start_to_close", "deadlines.start_to_close"],
    [{ start_to_close: at(30) }, {}, LEASE, LEASE],
  ] as const)("of %j with lease %j finds %s on receipt and %s while running", (deadlines, lease, first, running) => {
    expect(names(times({ deadlines, lease }))).toEqual([first, running]);
  });

  it.each([[{}], [{ renewed_by: null }], [{ renewed_by: 7 }], [{ renewed_by: {} }]])(
    "lets the lease count while running unless somebody renews it: %j",
    (lease) => {
      expect(names(times({ lease: lease as Partial<LeaseWire> }))).toEqual([LEASE, LEASE]);
    },
  );

  it.each([
    ["the first to pass", NOON + MINUTE_MS, ["platform_limit", "platform_limit"]],
    ["after the lease", NOON + 31 * MINUTE_MS, [LEASE, LEASE]],
    ["past already", NOON - MINUTE_MS, ["platform_limit", "platform_limit"]],
  ])("counts the platform's limit as one more deadline: %s", (_, limit, expected) => {
    expect(names(times({}, limit))).toEqual(expected);
    expect(names(times({ lease: RENEWED }, NOON + 31 * MINUTE_MS))).toEqual(["platform_limit", "platform_limit"]);
  });

  it("writes the platform's limit as a text only for whoever asks", () => {
    const write = vi.spyOn(Date.prototype, "toISOString");
    const found = readable({}, NOON + MINUTE_MS);
    expect(found.first(true)?.at).toBe(NOON + MINUTE_MS);
    expect(write).not.toHaveBeenCalled();
    write.mockRestore();
  });

  it("writes the platform's limit as a timestamp", () => {
    expect(readable({}, NOON + 1500).first(false)).toMatchObject({
      name: "platform_limit",
      at: NOON + 1500,
      expiresAt: "2999-06-01T12:00:01.500Z",
    });
  });

  it.each([[Number.POSITIVE_INFINITY], [Number.NEGATIVE_INFINITY], [Number.NaN], [1e15], [-1e15]])(
    "has no use for a platform limit that is no instant: %d",
    (limit) => {
      expect(names(times({}, limit))).toEqual([LEASE, LEASE]);
    },
  );

  it.each([
    ["lease.expires_at", { lease: { expires_at: "soon" } }],
    ["deadlines.schedule_to_start", { deadlines: { schedule_to_start: "" } }],
    ["deadlines.start_to_close", { deadlines: { start_to_close: "2999-06-01" } }],
    ["deadlines.schedule_to_close", { deadlines: { schedule_to_close: "2999-02-30T00:00:00Z" } }],
    ["deadlines.heartbeat", { deadlines: { heartbeat: "1764000000" } }],
    ["lease.expires_at", { lease: { expires_at: "soon", ...RENEWED } }],
    ["deadlines.heartbeat", { lease: RENEWED, deadlines: { heartbeat: "x" } }],
    // the first of several
    ["lease.expires_at", { lease: { expires_at: "soon" }, deadlines: { heartbeat: "x" } }],
    ["deadlines.start_to_close", { deadlines: { heartbeat: "x", start_to_close: "y" } }],
    // past ones do not hide it
    ["deadlines.heartbeat", { lease: { expires_at: "1970-01-01T00:00:00Z" }, deadlines: { heartbeat: "x" } }],
  ] as const)("names %s where it is no timestamp: %j", (name, changes) => {
    expect(times(changes)).toEqual({ unreadable: name });
  });
});

describe("a caller who says when it sent the task", () => {
  const deadlines = { start_to_close: at(5), heartbeat: at(6) };
  const lease = { sent_at: at(0) };

  it.each([
    ["ahead", 10],
    ["behind", -10],
    ["right", 0],
  ])("has the deadlines judged by that, by a clock that is %s", (_, minutes) => {
    const now = NOON + minutes * MINUTE_MS;
    const found = readable({ lease, deadlines }, undefined, now);
    expect(found.skewMs).toBe(minutes * MINUTE_MS);
    expect(found.first(false)).toMatchObject({
      name: "deadlines.start_to_close",
      at: now + 5 * MINUTE_MS,
      expiresAt: at(5),
    });
    expect(found.at(LEASE)).toBe(now + 30 * MINUTE_MS);
  });

  it("has the platform's limit judged by the machine's own clock", () => {
    const now = NOON + 10 * MINUTE_MS;
    expect(readable({ lease, deadlines }, now + MINUTE_MS, now).first(false)).toMatchObject({
      name: "platform_limit",
      at: now + MINUTE_MS,
      expiresAt: "2999-06-01T12:11:00.000Z",
    });
  });

  it("names the engine's time in deadlines that are moved", () => {
    const found = readable({ lease, deadlines: { heartbeat: at(6) } }, undefined, NOON + 10 * MINUTE_MS);
    postpone(found, "deadlines.heartbeat", NOON + 30 * MINUTE_MS);
    expect(found.first(false)).toMatchObject({ at: NOON + 30 * MINUTE_MS, expiresAt: "2999-06-01T12:20:00.000Z" });
  });

  it.each([["noon"], [null], [7]])("is not heard where he says %j", (sentAt) => {
    const found = readable({ lease: { sent_at: sentAt as string }, deadlines }, undefined, NOON + 10 * MINUTE_MS);
    expect(found.skewMs).toBeUndefined();
    expect(found.first(false)?.at).toBe(NOON + 5 * MINUTE_MS);
  });
});

describe("postpone", () => {
  const deadlines = { heartbeat: at(5), start_to_close: at(40) };

  it("moves a deadline to a later instant, and the first to pass with it", () => {
    const found = readable({ deadlines });
    postpone(found, "deadlines.heartbeat", NOON + 35 * MINUTE_MS);
    expect(found.first(true)).toMatchObject({ name: LEASE });
    postpone(found, LEASE, NOON + 60 * MINUTE_MS);
    expect(found.first(true)).toMatchObject({
      name: "deadlines.heartbeat",
      at: NOON + 35 * MINUTE_MS,
      expiresAt: "2999-06-01T12:35:00.000Z",
    });
    expect(found.at(LEASE)).toBe(NOON + 60 * MINUTE_MS);
  });

  it.each([
    ["an earlier instant", "deadlines.heartbeat", NOON],
    ["the same instant", "deadlines.heartbeat", NOON + 5 * MINUTE_MS],
    ["what is no instant", "deadlines.heartbeat", Number.NaN],
    ["infinity", "deadlines.heartbeat", Number.POSITIVE_INFINITY],
    ["a deadline that was not set", "deadlines.schedule_to_close", NOON + MINUTE_MS],
  ] as const)("changes nothing for %s", (_, name: DeadlineName, instant) => {
    const found = readable({ deadlines });
    postpone(found, name, instant);
    expect(found.first(true)).toMatchObject({ name: "deadlines.heartbeat", expiresAt: at(5) });
    expect(found.at("deadlines.schedule_to_close")).toBeUndefined();
  });
});
