import { LONGEST_INPUT_SCHEMA } from "@durable-workflow/carrier/protocol";
import { describe, expect, it } from "vitest";
import type { InputSchemasRequest } from "../delivery/deliverer.js";
import type { ToldInputSchemas } from "../engine/client.js";
import { CallOff } from "../time/call-off.js";
import { systemClock } from "../time/clock.js";
import { SchemaTeller, type SchemaTellerOptions } from "./schema-teller.js";

type Schemas = Awaited<ReturnType<SchemaTellerOptions["inputSchemas"]>>;

const PLAN = {
  key: "k",
  namespace: "default",
  taskQueue: "q",
  carrier: "one",
  group: "carrier:one",
  activityTypes: ["t"],
};
const schemas = (schema: object): Schemas => new Map([["t", schema as Record<string, unknown>]]);
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
};

function teller(answer: (request: InputSchemasRequest) => Promise<Schemas>, { keepsInputSchemas = true } = {}) {
  const told: ToldInputSchemas[] = [];
  const asked: InputSchemasRequest[] = [];
  const signal = new CallOff();
  const state = { epoch: 1, takes: true, types: PLAN.activityTypes };
  let due: (() => void) | undefined;
  const one = new SchemaTeller({
    client: {
      keepsInputSchemas,
      tellInputSchemas: async (said) => {
        told.push(said);
        return state.takes;
      },
    },
    clock: {
      ...systemClock,
      schedule: (_ms, action) => {
        due = action;
        return () => {
          due = undefined;
        };
      },
    },
    signal,
    plan: () => ({ ...PLAN, activityTypes: state.types }),
    epoch: () => state.epoch,
    inputSchemas: async (request) => {
      asked.push(request);
      return answer(request);
    },
  });
  const tell = async (): Promise<void> => {
    one.tell();
    await settled();
  };
  return { tell, told, asked, signal, state, later: () => due?.() };
}

describe("what an engine is told of arguments", () => {
  it("is told once, and again where it is another, or the registration is", async () => {
    let schema: object = { type: "array" };
    const { tell, told, state } = teller(async () => schemas(schema));
    await tell();
    await tell();
    expect(told).toEqual([
      { namespace: "default", taskQueue: "q", activityTypes: ["t"], inputSchemas: schemas({ type: "array" }) },
    ]);
    schema = { type: "array", items: false };
    await tell();
    expect(told).toHaveLength(2);
    state.epoch = 2;
    await tell();
    expect(told).toHaveLength(3);
  });

  it("is told again until it has taken it", async () => {
    const { tell, told, state } = teller(async () => schemas({}));
    state.takes = false;
    await tell();
    await tell();
    state.takes = true;
    await tell();
    await tell();
    expect(told).toHaveLength(3);
  });

  it("is nothing where nothing is known, whoever was asked fails, or the engine does not want to know", async () => {
    const silent = teller(async () => undefined);
    await silent.tell();
    const failing = teller(() => Promise.reject(new Error("connect ECONNREFUSED")));
    await failing.tell();
    await failing.tell();
    expect([silent.asked.length, failing.asked.length]).toEqual([1, 2]);
    const unwanted = teller(async () => schemas({}), { keepsInputSchemas: false });
    await unwanted.tell();
    expect(unwanted.asked).toEqual([]);
    expect([...silent.told, ...failing.told, ...unwanted.told]).toEqual([]);
  });

  it("is asked for one at a time, once more where somebody asked meanwhile, and not for ever", async () => {
    const waiting: ((schemas: Schemas) => void)[] = [];
    const { tell, asked, told, later, signal } = teller(
      ({ abort }) =>
        new Promise((resolve, reject) => {
          waiting.push(resolve);
          abort.addEventListener("abort", () => reject(new Error("called off")));
        }),
    );
    await tell();
    await tell();
    await tell();
    expect(asked).toHaveLength(1);
    waiting[0]?.(schemas({}));
    await settled();
    expect([asked.length, told.length]).toEqual([2, 1]);
    later();
    expect(asked[1]?.abort.aborted).toBe(true);
    await settled();
    await tell();
    signal.abort(undefined);
    expect(asked[2]?.abort.aborted).toBe(true);
    await settled();
    await tell();
    expect(asked).toHaveLength(3);
  });

  it("is asked for once more whenever somebody asks, at the very end of the asking before, too", async () => {
    for (let turns = 0; turns < 40; turns++) {
      const { tell, asked } = teller(async () => schemas({}));
      const first = tell();
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      await Promise.all([first, tell()]);
      expect([turns, asked.length]).toEqual([turns, 2]);
    }
  });

  it("is as much as is kept of a lane, in requests each of which any engine takes", async () => {
    // Three bytes for each character.
    const long = { description: "\u8a71".repeat(60_000) };
    const many = new Map(Array.from({ length: 40 }, (_, index) => [`t${index}`, long] as const));
    const { tell, told, state } = teller(async () => many);
    state.types = [...many.keys(), "unknown"];
    await tell();
    expect(new Map(told.flatMap(({ inputSchemas }) => [...inputSchemas]))).toEqual(new Map([...many].slice(0, 17)));
    expect(told.flatMap(({ activityTypes }) => activityTypes)).toEqual(state.types);
    for (const { activityTypes, inputSchemas } of told) {
      expect(activityTypes).toEqual(expect.arrayContaining([...inputSchemas.keys()]));
      expect(Buffer.byteLength(JSON.stringify([...inputSchemas]))).toBeLessThan(1024 * 1024);
    }
    const { length } = told;
    await tell();
    expect(told).toHaveLength(length);
  });

  it("leaves out what no engine takes, and nothing else with it", async () => {
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    const some = new Map<string, Record<string, unknown>>([
      ["long", { description: "x".repeat(LONGEST_INPUT_SCHEMA) }],
      ["circular", circular],
      ["silent", { toJSON: () => undefined }],
      ["t", { type: "array" }],
      ["not asked for", {}],
    ]);
    const { tell, told, state } = teller(async () => some);
    state.types = ["long", "circular", "silent", "t"];
    await tell();
    expect(told.map(({ activityTypes, inputSchemas }) => [activityTypes, [...inputSchemas.keys()]])).toEqual([
      [state.types, ["t"]],
    ]);
  });
});
