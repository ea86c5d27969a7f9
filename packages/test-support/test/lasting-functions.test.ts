import { describe, expect, it } from "vitest";
import { SourceTree } from "../src/sources.js";

// V8 takes a function that is written where it is assigned to a property (`this.stop = () => ...`, and the field of a class that
// `stop = () => ...` is) for one that stays, as those of prototypes do, and puts it among what lives for long. What it can reach,
// which is all that the functions around it use, is then kept until the whole heap is collected. Where that is made for each task,
// every task leaves what it was given behind: it was half of the processor time of a carrier with arguments of 64 KiB.

/** Of things that live as long as what they belong to, which is the process or nearly so: their sources. */
const MADE_ONCE: Readonly<Record<string, readonly string[]>> = {
  carrier: [],
  dispatcher: ["dispatch/breaker.ts", "net/guard.ts", "service/line-batch.ts"],
  cli: [
    "host/dev-stack.ts",
    "host/engine/engine-host.ts",
    "host/process/host-process.ts",
    "host/process/run-guard.ts",
    "shell/terminal.ts",
  ],
  worker: ["event-loop-watch.ts", "token-keeper.ts", "worker.ts"],
  client: [],
  "engine-protocol": [],
  "local-engine": [
    "api/events.ts",
    "payloads/sweeper.ts",
    "service/clock-steps.ts",
    "service/due-timer.ts",
    "service/engine-time.ts",
    "service/pruner.ts",
    "service/recent.ts",
  ],
};

const FUNCTION = String.raw`(?:async\s+)?(?:function\b|(?:<[^=()]*>\s*)?\([^()]*(?:\([^()]*\)[^()]*)*\)(?:\s*:[^=;{}]+?)?\s*=>|\w+\s*=>)`;
const ASSIGNED = new RegExp(String.raw`(?:\.\w+|\w\[[^\][]+\])\s*(?:\?\?|&&|\|\|)?=\s*${FUNCTION}`);
const FIELD = new RegExp(
  String.raw`^ {2}(?:(?:private|public|protected|readonly|override|declare)\s+)*\w+(?:\s*:(?:\s*\([^()]*\)\s*=>)?[^=;(\n]+)? = ${FUNCTION}`,
  "m",
);

function hasOne(code: string): boolean {
  return ASSIGNED.test(code) || FIELD.test(code);
}

describe("a function that is made as it is assigned to a property", () => {
  it.each(Object.entries(MADE_ONCE))("is of nothing that comes and goes in %s", (name, allowed) => {
    const tree = new SourceTree(new URL(`../../${name}/src/`, import.meta.url));
    expect(tree.files.length).toBeGreaterThan(5);
    expect(tree.files.filter((file) => hasOne(tree.code(file)))).toEqual(allowed);
  });

  it.each([
    "    this.stop = () => end();",
    "    run.stop ??= async (why: string): Promise<void> => end(why);",
    "    list[0] = function () {};",
    "    socket.onend = done => done();",
    "  private readonly stop = (): void => {",
    "  private cancel: () => void = () => {};",
    "  stop = async <T>(value: T): Promise<T> => value;",
  ])("is found: %s", (line) => expect(hasOne(line)).toBe(true));

  it.each([
    "    const stop = () => end();\n    this.stop = stop;",
    "    this.stop = clock.schedule(5, () => end());",
    "    const all = { stop: () => end() };",
    "  stop(): void {",
    "  private readonly stop: () => void;",
    "    const rules: Rule[] = (value) => value;",
    "    if (a.length >= (b) => c) x();",
  ])("is not: %s", (line) => expect(hasOne(line)).toBe(false));
});
