import { describe, expect, it, vi } from "vitest";
import { activityTaskEnvelope } from "../../../test/support/envelopes.js";
import { azureFunctionsInvocableActivityHandler } from "../../adapters/azure-functions.js";
import { fetchInvocableActivityHandler } from "../../adapters/fetch.js";
import { koaInvocableActivityHandler } from "../../adapters/koa.js";
import { lambdaInvocableActivityHandler } from "../../adapters/lambda.js";
import { nodeInvocableActivityHandler } from "../../adapters/node.js";
import { InvocableHttpEndpoint } from "../../http/endpoint.js";
import { payloadEnvelope } from "../../payload/index.js";
import { carrierClient } from "../../testing/carrier-client.js";
import {
  InvocableActivityHandler,
  type InvocableActivityHandlerOptions,
  isInvocableActivityHandler,
} from "../handler.js";
import { defineActivity } from "./define-activity.js";
import type { ActivityFunction, ActivityHandlers } from "./registry.js";

const dim: ActivityFunction = () => null;

/** For what the types forbid, but JavaScript lets through. */
function make(handlers: unknown, options?: unknown): InvocableActivityHandler {
  return new InvocableActivityHandler(handlers as ActivityHandlers, options as InvocableActivityHandlerOptions);
}

function taskFor(handler: string, args: readonly unknown[] = []) {
  return activityTaskEnvelope({ task: { handler }, payloads: { arguments: payloadEnvelope(args) } });
}

describe("constructing a handler", () => {
  it.each([
    ["undefined", undefined],
    ["null", null],
    ["a function", dim],
    ["a definition", defineActivity({ run: () => null })],
    ["text", "lamps.dim"],
    ["a promise, as import() gives", Promise.resolve({ dim })],
  ])("refuses handlers that are %s", (_, handlers) => {
    expect(() => make(handlers)).toThrow(TypeError);
    expect(() => make(handlers)).toThrow(/^handlers must be an object, a Map or a list of activities/);
  });

  it.each([
    ["undefined", { "lamps.dim": undefined }],
    ["null", { "lamps.dim": null }],
    ["text", { "lamps.dim": "dim" }],
    ["an object", { "lamps.dim": { run: dim } }],
    ["a list", { "lamps.dim": [dim] }],
    ["a promise of a function", new Map([["lamps.dim", Promise.resolve(dim)]])],
  ])("refuses a handler that is %s, by name", (_, handlers) => {
    expect(() => make(handlers)).toThrow(TypeError);
    expect(() => make(handlers)).toThrow(/lamps\.dim.* must be a function or made by defineActivity, got /);
  });

  it.each([
    ["empty", { "": dim }],
    ["blank", { " \t": dim }],
    ["empty in a Map", new Map([["", dim]])],
    ["a number", new Map([[7, dim]])],
    ["an object", new Map([[{}, dim]])],
    ["undefined", new Map([[undefined, dim]])],
    ["a symbol", new Map([[Symbol("dim"), dim]])],
  ])("refuses an activity type that is %s", (_, handlers) => {
    expect(() => make(handlers)).toThrow(TypeError);
    expect(() => make(handlers)).toThrow(/^an activity needs a name: /);
  });

  it("refuses an instance of a class with methods, and says what to do", () => {
    class Greeter {
      readonly greeting = () => "Hello";
      greet(name: string) {
        return `Hello, ${name}`;
      }
    }
    class Heir extends Greeter {}
    expect(() => make(new Heir() as never)).toThrow(TypeError);
    expect(() => make(new Greeter() as never)).toThrow(/^handlers must not be a class instance: name its methods/);
  });

  it("takes objects without a prototype, modules, and instances whose functions are their own", () => {
    class Own {
      readonly greet = (name: string) => `Hello, ${name}`;
    }
    for (const handlers of [Object.assign(Object.create(null), { greet: () => 1 }), new Own()]) {
      expect(make(handlers as never).activityTypes).toEqual(["greet"]);
    }
  });

  it.each([
    ["carrier", { carrier: "" }],
    ["carrier", { carrier: 7 }],
    ["carrier", { carrier: null }],
    ["resultCodec", { resultCodec: "json" }],
    ["resultCodec", { resultCodec: null }],
    ["resultCodec", { resultCodec: "AVRO" }],
    ["options", null],
    ["heartbeat", { heartbeat: null }],
    ["heartbeat", { heartbeat: "https://engine.example" }],
  ])("refuses a bad %s: %j", (name, options) => {
    expect(() => make({}, options)).toThrow(TypeError);
    expect(() => make({}, options)).toThrow(new RegExp(`^${name} must be `));
  });

  it.each([
    ["logger", { logger: {} }],
    ["logger", { logger: null }],
    ["clock", { clock: { now: Date.now } }],
  ])("refuses a %s without its methods: %j", (name, options) => {
    expect(() => make({}, options)).toThrow(TypeError);
    expect(() => make({}, options)).toThrow(new RegExp(`^${name} must be an object with \\w+, `));
  });

  it.each([
    ["no options", undefined],
    ["undefined options", { carrier: undefined, resultCodec: undefined, logger: undefined, clock: undefined }],
    ["the defaults", { carrier: "typescript-invocable", resultCodec: "avro" }],
  ])("takes its defaults from %s", (_, options) => {
    expect(make({}, options).carrier).toBe("typescript-invocable");
  });

  it("takes no handlers at all, for a carrier that is to refuse everything", () => {
    expect(make({}).activityTypes).toEqual([]);
    expect(make(new Map()).activityTypes).toEqual([]);
  });

  it("reads the handlers once", async () => {
    const handlers = new Map<string, ActivityFunction>([["lamps.dim", () => "first"]]);
    const carrier = make(handlers);
    handlers.set("lamps.dim", () => "second");
    handlers.set("lamps.off", () => "third");
    expect(carrier.activityTypes).toEqual(["lamps.dim"]);
    expect(await carrier.handle(taskFor("lamps.dim"))).toMatchObject({ result: { payload: payloadEnvelope("first") } });
  });
});

it("takes an object that is typed by an interface, wherever handlers are taken", async () => {
  interface Handlers {
    greet(name: string): string;
  }
  const handlers: Handlers = { greet: (name) => `Hello, ${name}` };
  expect(new InvocableActivityHandler(handlers).activityTypes).toEqual(["greet"]);
  const carriers = [
    fetchInvocableActivityHandler(handlers),
    nodeInvocableActivityHandler(handlers),
    lambdaInvocableActivityHandler(handlers),
    koaInvocableActivityHandler(handlers),
    azureFunctionsInvocableActivityHandler(handlers),
  ];
  expect(carriers.map((carrier) => typeof carrier)).toEqual(carriers.map(() => "function"));
  expect(await carrierClient(handlers).call("greet", ["Ada"])).toBe("Hello, Ada");
  const named: InvocableActivityHandler = new InvocableActivityHandler(handlers);
  expect(new InvocableHttpEndpoint(named).guarded).toBe(false);
  // @ts-expect-error a number is no activity
  expect(() => new InvocableActivityHandler({ greet: 1 })).toThrow(TypeError);
});

/** What a carrier of so many activities says of a task for another one. */
async function refusalOf(count: number): Promise<unknown> {
  const handlers = Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, dim]));
  const result = await make(handlers).handle(taskFor("lamps.dim"));
  return "failure" in result && result.failure.message;
}

describe("looking a handler up", () => {
  const INHERITED = ["toString", "constructor", "hasOwnProperty", "__proto__", "valueOf", "__defineGetter__"];
  const UNKNOWN = { failure: { classification: "application_error", type: "UnknownActivityHandler" } };

  it.each(INHERITED)("does not find %s, which every object inherits", async (name) => {
    for (const handlers of [{ dim }, new Map([["dim", dim]]), Object.create({ [name]: dim, inherited: dim })]) {
      const carrier = make(handlers);
      expect(await carrier.handle(taskFor(name))).toMatchObject(UNKNOWN);
      expect(await carrier.handle(taskFor("inherited"))).toMatchObject(UNKNOWN);
    }
  });

  it.each(INHERITED)("finds %s where it is registered", async (name) => {
    const own: unknown = JSON.parse(`{${JSON.stringify(name)}: 0}`);
    Object.defineProperty(own, name, { value: () => "mine", enumerable: true });
    for (const handlers of [own, new Map([[name, () => "mine"]])]) {
      expect(await make(handlers).handle(taskFor(name))).toMatchObject({ outcome: { status: "succeeded" } });
    }
  });

  it.each(["Lamps.dim", "lamps.dim ", " lamps.dim", "lamps", "lamps.dim\u0000", "lámps.dim"])(
    "takes names as they are: %j is not lamps.dim",
    async (name) => {
      expect(await make({ "lamps.dim": dim }).handle(taskFor(name))).toMatchObject(UNKNOWN);
    },
  );

  it("names at most twenty of the activities there are", async () => {
    const named = async (count: number) => (String(await refusalOf(count)).match(/\ba\d+\b/g) ?? []).length;
    expect(await Promise.all([0, 2, 20, 21, 5000].map(named))).toEqual([0, 2, 20, 20, 20]);
    expect(await refusalOf(2)).toMatch(/no invocable activity handler registered for "lamps\.dim".* a0, a1\b/);
  });

  it("shows the front of a huge or ill-formed name", async () => {
    const result = await make({}).handle(taskFor(`\ud800${"x".repeat(5000)}`));
    expect(result).toMatchObject({ failure: { message: expect.stringContaining(`"\ufffd${"x".repeat(79)}"`) } });
  });
});

describe("activities in a list", () => {
  const echo = defineActivity({ name: "lamps.echo", run: (_context, value: string) => value });
  function dimmed(lamp: string): string {
    return `${lamp} is dim`;
  }

  it("go by their own names", async () => {
    const carrier = make([echo, dimmed]);
    expect(carrier.activityTypes).toEqual(["lamps.echo", "dimmed"]);
    expect(await carrier.handle(taskFor("lamps.echo", ["a"]))).toMatchObject({
      result: { payload: payloadEnvelope("a") },
    });
    expect(await carrier.handle(taskFor("dimmed", ["a"]))).toMatchObject({
      result: { payload: payloadEnvelope("a is dim") },
    });
  });

  it.each([
    ["a definition without a name", [defineActivity({ run: () => null })], /needs a name/],
    ["a function without a name", [() => null], /needs a name/],
    [
      "what is neither",
      [echo, { run: dim }],
      /^the activity 1 must be a function or made by defineActivity, got an object/,
    ],
    ["nothing", [undefined], /^the activity 0 must be a function or made by defineActivity, got nothing/],
  ])("are refused: %s", (_, handlers, message) => {
    expect(() => make(handlers)).toThrow(TypeError);
    expect(() => make(handlers)).toThrow(message);
  });
});

describe("names", () => {
  const named = defineActivity({ name: "lamps.dim", run: () => "named" });
  const nameless = defineActivity({ run: () => "nameless" });

  it("of definitions count before their keys, which stand in where there is none", () => {
    expect(make({ named, nameless }).activityTypes).toEqual(["lamps.dim", "nameless"]);
    expect(make(new Map([["x", named]])).activityTypes).toEqual(["lamps.dim"]);
  });

  it.each([
    ["a list", [named, named]],
    ["an object", { a: named, b: named }],
    ["an object with its key", { "lamps.dim": dim, named }],
    [
      "a Map",
      new Map<string, unknown>([
        ["lamps.dim", nameless],
        ["b", named],
      ]),
    ],
  ])("are taken once: %s", (_, handlers) => {
    expect(() => make(handlers)).toThrow(TypeError);
    expect(() => make(handlers)).toThrow("two activities have the name lamps.dim");
  });
});

it("a handler of another copy of the library is recognised as one", () => {
  expect(isInvocableActivityHandler(make({}))).toBe(true);
  expect(isInvocableActivityHandler({ handle: () => null })).toBe(false);
});

describe("calling a handler", () => {
  it("spreads the arguments, without `this`", async () => {
    const seen = vi.fn<(...args: unknown[]) => void>();
    const carrier = make({
      "lamps.dim": function (this: unknown, ...args: unknown[]) {
        seen(this, ...args);
      },
    });
    await carrier.handle(taskFor("lamps.dim", ["lamp-7", 3, null]));
    expect(seen).toHaveBeenCalledExactlyOnceWith(undefined, "lamp-7", 3, null);
  });

  it("lets a parameter's default stand for an argument that is not there, not for null", async () => {
    const carrier = make({ "lamps.dim": (lamp: string, level = 10) => [lamp, level] });
    expect(await carrier.handle(taskFor("lamps.dim", ["a"]))).toMatchObject({
      result: { payload: payloadEnvelope(["a", 10]) },
    });
    expect(await carrier.handle(taskFor("lamps.dim", ["a", null]))).toMatchObject({
      result: { payload: payloadEnvelope(["a", null]) },
    });
  });
});

it("no generator is taken, by the types: nobody would read what it yields", () => {
  function* yields() {
    yield 1;
  }
  async function* streams(count: number) {
    yield count;
  }
  // @ts-expect-error a generator
  expect(new InvocableActivityHandler({ greet: () => "x", yields }).activityTypes).toContain("yields");
  // @ts-expect-error an asynchronous one
  expect(new InvocableActivityHandler({ streams }).activityTypes).toEqual(["streams"]);
  // @ts-expect-error one in a list
  expect(new InvocableActivityHandler([streams]).activityTypes).toEqual(["streams"]);
  const definition = defineActivity({ name: "defined", run: (_context, count: number) => streams(count) });
  // @ts-expect-error one in a definition
  expect(new InvocableActivityHandler({ definition }).activityTypes).toEqual(["defined"]);
  // @ts-expect-error at every door
  expect(() => new InvocableHttpEndpoint({ streams })).not.toThrow();
});

it("what may return anything is taken", () => {
  const handlers = {
    anything: () => JSON.parse("1"), // any
    unknown: (): unknown => 1,
    never: (): never => {
      throw new Error("no");
    },
    iterable: (): readonly string[] => [],
  };
  expect(new InvocableActivityHandler(handlers).activityTypes).toHaveLength(4);
});
