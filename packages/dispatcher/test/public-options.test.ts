import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as index from "../src/index.js";
import * as logging from "../src/logging.js";
import * as metrics from "../src/metrics.js";

/** What takes options, called with some; the rest of what is exported takes none, and is named with what it is. */
const board = { events: new index.EventStream(), health: () => ({}) as index.DispatcherHealth };
const steered = { drain: () => Promise.resolve({ abandoned: 0 }), kill: () => undefined, reload: async () => true };
const inputs = { environment: {}, profiles: { currentEnv: null, envs: new Map() } };
const mapped = { schema: "durable-workflow.external-executor.config", version: 1, carriers: {}, mappings: [] };
const CALLS: Readonly<Record<string, (options: never) => unknown>> = {
  createDispatcher: (options) => index.createDispatcher(options),
  "createDispatcher.connection": (connection) => index.createDispatcher({ connection }),
  "createDispatcher.breaker": (breaker) => index.createDispatcher({ breaker }),
  "createDispatcher.queues": (queue) => index.createDispatcher({ queues: [Object.assign({ taskQueue: "q" }, queue)] }),
  "createDispatcher.credentials": (credential) =>
    index.createDispatcher({
      credentials: { own: Object.assign({ type: "env", env: "T", origins: ["https://a.example"] }, credential) },
    }),
  serveHealth: (options) => index.serveHealth(board, options),
  createMetrics: (options) => metrics.createMetrics(board, options),
  handleSignals: (options) => index.handleSignals(steered, options),
  parseExecutorConfig: (options) => index.parseExecutorConfig(mapped, options),
  loadExecutorConfig: (options) =>
    index.loadExecutorConfig(new URL("support/none.json", import.meta.url).pathname, options),
  resolveConnection: (flags) => index.resolveConnection({ ...inputs, flags }),
};
const WITHOUT_OPTIONS: Readonly<Record<string, string>> = {
  EventStream: "one function",
  ExecutorConfigError: "an error",
  ProfileError: "an error",
  Proxies: "an environment",
  createAgent: "how to connect, of which Node's own options are a part",
  createLogger: "pino's own options, which are pino's to check",
  describeConnection: "settings",
  loadProfiles: "a path",
  logEvents: "events and a logger",
  parseProfiles: "a document",
  profilesPath: "an environment",
};

it("knows everything that is exported", () => {
  const functions = Object.entries({ ...index, ...logging, ...metrics }).flatMap(([name, value]) =>
    typeof value === "function" ? [name] : [],
  );
  const known = [...Object.keys(CALLS).filter((name) => !name.includes(".")), ...Object.keys(WITHOUT_OPTIONS)];
  expect(functions.toSorted()).toEqual(known.toSorted());
});

describe.each(Object.entries(CALLS))("%s", (_, call) => {
  it("refuses a name that it does not know", async () => {
    const calling = async (): Promise<unknown> => call({ maxInflight: 7 } as never);
    // A file that is not there is found after the options were read, or not at all.
    await expect(calling()).rejects.toThrow(/there is no option "maxInflight"; there are |cannot be read/);
    await expect(calling()).rejects.toBeInstanceOf(_ === "loadExecutorConfig" ? Error : TypeError);
  });
});

describe("an option that says yes or no", () => {
  const declared = ["dispatch/options.ts", "config/connection.ts", "service/metrics.ts"].flatMap((file) => {
    const source = readFileSync(new URL(`../src/${file}`, import.meta.url), "utf8");
    return Array.from(source.matchAll(/^ {2}readonly (\w+)\?: boolean;/gm), ([, name = ""]) => name);
  });

  it("is found", () => {
    expect(declared).toContain("denyPrivateNetworks");
    expect(declared).toContain("tlsVerify");
  });

  it.each(declared)("%s is a boolean, not a text that counts as yes", (name) => {
    for (const value of ["no", "false", 0, null]) {
      const given = { [name]: value } as never;
      const make = (): unknown =>
        name === "processMetrics"
          ? metrics.createMetrics(board, given)
          : index.createDispatcher(name === "tlsVerify" ? { connection: given } : given);
      expect(make).toThrow(TypeError);
      expect(make).toThrow(`${name} must be a boolean`);
    }
  });
});

it.each(["yes", null, 1, ["web", 2], {}])("askManifests is yes, no or names of carriers, not %j", (askManifests) => {
  expect(() => index.createDispatcher({ askManifests: askManifests as never })).toThrow(
    "askManifests must be true, false, or a list of names of carriers",
  );
});

describe("a credential that is given and is none", () => {
  it.each([undefined, "", " \n"])("is refused as the engine's token: %j", (token) => {
    const connection = { token } as { token: string };
    expect(() => index.createDispatcher({ connection })).toThrow(/^connection.token is empty/);
  });

  it.each([
    [{ type: "env", env: undefined, origins: ["https://a.example"] }, "credentials.own.env must be given"],
    [{ type: "token_file", path: "", origins: ["https://a.example"] }, "credentials.own.path must be given"],
    [{ type: "mtls", cert: "c", origins: ["https://a.example"] }, "credentials.own.keyRef must be given"],
    [{ type: "basic", origins: ["https://a.example"] }, "credentials.own.type must be one of"],
    [{ type: "env", env: "T", origins: [] }, "credentials.own.origins must name"],
  ])("%o is refused", (own, message) => {
    expect(() => index.createDispatcher({ credentials: { own: own as never } })).toThrow(message);
  });
});

describe("an authorizer that is given and is none", () => {
  const authorize = (): Promise<{ headers: object }> => Promise.resolve({ headers: {} });
  it.each([
    [{ own: "aws" }, {}, "authorizers.own must be an authorizer"],
    [{ own: null }, {}, "authorizers.own must be an authorizer"],
    [{ own: { authorize, origins: ["https://a.example/path"] } }, {}, "authorizers.own.origins must be origins"],
    [
      { own: { authorize } },
      { own: { type: "env", env: "T", origins: ["https://a.example"] } },
      "own is in credentials and in authorizers: keep one",
    ],
  ])("%o is refused", (authorizers, credentials, message) => {
    const options = { authorizers, credentials } as unknown as index.DispatcherOptions;
    expect(() => index.createDispatcher(options)).toThrow(message);
  });
});

it("every option of createDispatcher is in the reader", () => {
  const source = readFileSync(new URL("../src/dispatch/options.ts", import.meta.url), "utf8");
  const declared = /interface DispatcherOptions \{([^]*?)\n\}/.exec(source)?.[1] ?? "";
  const names = [...declared.matchAll(/^ {2}readonly (\w+)\?:/gm)].map((match) => match[1] ?? "");
  expect(names.length).toBeGreaterThan(20);
  for (const name of names) {
    const given = { [name]: undefined } as never;
    expect(() => index.createDispatcher(given), name).not.toThrow(/there is no option/);
  }
});
