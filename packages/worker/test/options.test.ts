import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as index from "../src/index.js";
import { type ActivityWorkerOptions, createActivityWorker, handleSignals } from "../src/index.js";

const needed: ActivityWorkerOptions = {
  activities: { greet: () => 1 },
  taskQueue: "lamps",
  serverUrl: "http://127.0.0.1:1",
};

it("exports what makes a worker, and what lets signals steer it", () => {
  expect(Object.keys(index).toSorted()).toEqual(["createActivityWorker", "handleSignals"]);
});

it("refuses a name that it does not know", () => {
  for (const given of [{ maxInflight: 7 }, { queues: [] }]) {
    const [name = ""] = Object.keys(given);
    expect(() => createActivityWorker({ ...needed, ...given } as ActivityWorkerOptions)).toThrow(
      `there is no option ${JSON.stringify(name)}; there are activities, taskQueue`,
    );
  }
  const worker = { drain: () => Promise.resolve({ abandoned: 0 }), kill: () => undefined };
  expect(() => handleSignals(worker, { fatall: true } as never)).toThrow('there is no option "fatall"');
  expect(() => handleSignals(worker, { fatal: "no" } as never)).toThrow("fatal must be a boolean");
});

/** For each option values that it does not take. */
const BAD: Readonly<Record<keyof ActivityWorkerOptions, readonly unknown[]>> = {
  activities: [undefined, null, {}, [], { greet: 1 }],
  taskQueue: [undefined, "", " ", [], [""], [1]],
  serverUrl: [undefined, "", "localhost:8080", "ftp://a.test", "http://u:p@a.test", "http://a.test?code=1"],
  token: ["", " ", "a b", "line\nline", 5],
  namespace: ["", 5],
  buildId: ["", 5],
  workerId: ["", "a b"],
  maxInFlight: [0, 1.5, "10"],
  maxPolls: [0, "1"],
  pollSeconds: [-1, 0.5],
  drainMs: [-1, Number.NaN],
  abortBeforeEndMs: [-1, 25_001],
  requestTimeoutMs: [0],
  payloadMemoryBytes: [0],
  tlsVerify: ["yes"],
  environment: [{ HTTP_PROXY: "ftp://a.test" }],
  interceptors: [{}, [], [() => 1]],
  stackTraces: ["no"],
  idempotency: [{}],
  externalStorage: [{}],
  logger: [{ info: 1 }],
  clock: [{ now: 1 }],
};

describe.each(Object.entries(BAD))("%s", (name, values) => {
  it.each(values.map((value) => [value]))("is not %j", (value) => {
    const make = () => createActivityWorker({ ...needed, [name]: value } as ActivityWorkerOptions);
    expect(make).toThrow(TypeError);
  });
});

it("every option is in the table, and in the reader", () => {
  const source = readFileSync(new URL("../src/options.ts", import.meta.url), "utf8");
  const declared = /interface ActivityWorkerOptions \{([^]*?)\n\}/.exec(source)?.[1] ?? "";
  const names = [...declared.matchAll(/^ {2}readonly (\w+)\??:/gm)].map((match) => match[1] ?? "");
  expect(names.toSorted()).toEqual(Object.keys(BAD).toSorted());
  for (const name of names) {
    const given = { [name]: undefined } as never;
    expect(() => createActivityWorker(given), name).not.toThrow(/there is no option/);
  }
});
