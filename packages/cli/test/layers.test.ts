import { roomOf, SourceTree } from "@durable-workflow/test-support/sources";
import { describe, expect, it } from "vitest";

const tree = new SourceTree(new URL("../src/", import.meta.url));

/** Lower never names higher, types included. A room may name itself and those listed. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  // What a command is, the program around it, and the terminal.
  shell: [],
  "shell/completion": ["shell"],
  // The way to others.
  net: ["shell"],
  // What command lines say.
  options: ["shell", "net"],
  // An engine's control plane, and where it is.
  engine: ["shell", "net", "options"],
  // How things are told to people.
  report: ["shell", "net", "engine"],
  // What documents are.
  inspect: ["shell", "net", "report"],
  invoke: ["shell", "net", "options", "report", "inspect"],
  conformance: ["shell", "net", "report"],
  doctor: ["shell", "net", "options", "engine", "report", "inspect"],
  // The page of an engine, and its views for commands; tools for agents.
  page: ["shell", "net", "options", "engine", "inspect"],
  mcp: ["shell"],
  // What a folder begins with.
  init: ["shell", "options"],
  // Activities: their modules, the process that runs them, their carrier; and all of it with an engine.
  "host/activities": ["shell"],
  "host/process": ["shell", "host/activities"],
  "host/apps": ["shell", "net", "options"],
  "host/carrier": ["shell", "net", "options", "engine", "report", "host/activities", "host/process", "host/apps"],
  "host/engine": ["shell", "net", "engine", "page", "host/carrier"],
  host: [
    "shell",
    "net",
    "engine",
    "host/activities",
    "host/apps",
    "host/process",
    "host/carrier",
    "host/engine",
    "page",
  ],
};
const ROOMS = [...Object.keys(MAY_IMPORT), "commands"];

/** What whoever installs the command installs with it. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  "@durable-workflow/carrier": /./,
  "@durable-workflow/carrier/heartbeat": /^(?:commands\/serve|engine\/heartbeats|host\/)/,
  "@durable-workflow/carrier/storage": /^(?:commands\/|host\/)/,
  "@durable-workflow/carrier/manifest": /^host\//,
  "@durable-workflow/carrier/serve": /^(?:commands\/serve|host\/carrier\/)/,
  "@durable-workflow/carrier/payload": /./,
  "@durable-workflow/carrier/protocol": /./,
  "@durable-workflow/carrier/storage/local": /^(?:host\/|engine\/own-files|init\/)/,
  "@durable-workflow/carrier/testing": /^(?:commands\/conformance|conformance\/|invoke\/|host\/carrier\/)/,
  "@durable-workflow/dispatcher": /./,
  "@durable-workflow/dispatcher/authorizers": /^options\/authorizers\.ts$/,
  "@durable-workflow/dispatcher/logging": /^commands\/dispatch\.ts$/,
  "@durable-workflow/dispatcher/metrics": /^commands\/dispatch\.ts$/,
  "@durable-workflow/dispatcher/tools": /./,
  "@durable-workflow/engine-protocol": /./,
  "@durable-workflow/engine-protocol/control": /./,
  "@durable-workflow/engine-protocol/executor-config": /./,
  "@durable-workflow/engine-protocol/external-payloads": /./,
  "@durable-workflow/engine-protocol/worker": /^inspect\//,
  "@durable-workflow/inspector": /^(?:page|mcp|host)\/|^commands\/overview/,
  "@durable-workflow/local-engine": /^host\/engine\/|^options\/engine-tokens\.ts$/,
  "@durable-workflow/client": /^(?:net|engine|page)\/|^doctor\/engine-probe\.ts$/,
  "@durable-workflow/client/tools": /./,
  "@durable-workflow/client/undici": /^net\//,
  tsx: /^host\/activities\//,
  undici: /^net\//,
};

it("finds the sources, each in a room", () => {
  expect(tree.files.length).toBeGreaterThan(100);
  expect(new Set(tree.files.map((file) => roomOf(file, ROOMS)))).toEqual(new Set(["", ...ROOMS]));
  expect(tree.files.filter((file) => !file.includes("/"))).toEqual(["bin.ts"]);
});

describe.each(tree.files.filter((file) => file.includes("/")))("%s", (file) => {
  it("names its own room and lower ones, and of the packages what it may know", () => {
    const room = roomOf(file, ROOMS);
    const allowed = room === "commands" ? ROOMS : [room, ...(MAY_IMPORT[room] ?? [])];
    for (const { target, file: named } of tree.imports(file)) {
      if (named !== undefined) expect(allowed, `${target} in ${file}`).toContain(roomOf(named, ROOMS));
      else if (!target.startsWith("node:")) {
        const name = target.startsWith("tsx/") ? "tsx" : target;
        expect(Object.keys(PACKAGES), `${target} in ${file}`).toContain(name);
        expect(file, target).toMatch(PACKAGES[name] ?? /(?!)/);
      }
    }
  });
});

it("a command is loaded when it is asked for, and no other with it", () => {
  const lines = tree.code("commands/index.ts").split("\n");
  expect(lines.filter((line) => /^(?:import|export) .*from /.test(line) && !line.startsWith("import type "))).toEqual(
    [],
  );
});

it("commands know each other by what they share only", () => {
  const shared = new Map([["commands/check.ts", "commands/dispatch.ts"]]);
  for (const file of tree.files.filter((name) => name.startsWith("commands/") && name !== "commands/index.ts")) {
    for (const { file: named = "" } of tree.imports(file).filter(({ file: one }) => one?.startsWith("commands/"))) {
      if (file === "commands/completion.ts") continue;
      expect(shared.get(file), file).toBe(named);
    }
  }
});
