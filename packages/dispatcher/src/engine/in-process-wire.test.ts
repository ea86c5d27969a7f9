import type { InProcessAnswer, InProcessEngine } from "@durable-workflow/engine-protocol";
import { expect, it } from "vitest";
import { InProcessWire } from "./in-process-wire.js";

const ENGINES: readonly (readonly [what: string, answer: () => unknown])[] = [
  [
    "throws at once",
    () => {
      throw new Error("not now");
    },
  ],
  ["rejects", () => Promise.reject(new Error("not now"))],
  ["answers nothing", () => Promise.resolve(undefined)],
  ["answers without a body", () => Promise.resolve({ status: 200, headers: {} })],
  ["answers without headers", () => Promise.resolve({ status: 200, body: "{}" })],
];

it.each(ENGINES)("a request to an engine that %s has failed", async (_, answer) => {
  const wire = new InProcessWire({ answer: answer as () => Promise<InProcessAnswer> } satisfies InProcessEngine);
  const exchange = wire.ask({ method: "GET", path: "/api/cluster/info", headers: [] }, () => undefined);
  await expect(exchange.answer).rejects.toThrow();
  await wire.close();
});
