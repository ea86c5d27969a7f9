import { expect, it } from "vitest";
import { userFrames } from "./stack-lines.js";

const ours = new URL(".", import.meta.url).pathname;
const library = new URL(".", import.meta.resolve("@durable-workflow/carrier")).pathname;

it("keeps the lines of the user's own files, as a person would write them", () => {
  const stack = [
    "Error: at first",
    "    at charge (file:///home/a/my%20app/src/charge.ts?namespace=1a-2b:3:9)",
    "    at async /home/a/my app/b.ts?namespace=dw-0:4:1",
    "    at Module.run (/home/a/my app/node_modules/x/index.js:1:1)",
    "    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)",
    "    at new Promise (<anonymous>)",
    `    at run (${ours}run-guard.js:1:1)`,
    `    at invoke (file://${library}activity/run.js:1:1)`,
    "    at other (/home/b/c.ts:1:1)",
  ].join("\n");
  expect(userFrames(stack, "/home/a/my app")).toEqual([
    "at charge (src/charge.ts:3:9)",
    "at async b.ts:4:1",
    "at other (/home/b/c.ts:1:1)",
  ]);
  expect(userFrames("no trace at all", "/")).toEqual([]);
});

it("names each cause, and where it comes from", () => {
  const at = (name: string): string => `    at ${name} (/home/a/${name}.ts:1:1)`;
  const stack = [
    ...["a", "b", "c", "d", "e", "f", "g"].map(at),
    "Caused by: Error: one",
    ...["h", "i", "j"].map(at),
    "Caused by: TypeError: two",
    "    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)",
  ].join("\n");
  expect(userFrames(stack, "/home/a")).toEqual([
    ...["a", "b", "c", "d", "e", "f"].map((name) => `at ${name} (${name}.ts:1:1)`),
    "Caused by: Error: one",
    "at h (h.ts:1:1)",
    "at i (i.ts:1:1)",
    "Caused by: TypeError: two",
  ]);
  expect(userFrames("Caused by: Error: none of its own\n", "/")).toEqual(["Caused by: Error: none of its own"]);
});
