import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  defineActivity,
  InvocableActivityHandler,
  type InvocableActivityHandlerOptions,
} from "@durable-workflow/carrier";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import type { Act } from "./handler-steps.js";
import { type Scenario, stepOf } from "./scenario.js";

/** An activity that does what the scenario of its number says. */
export function scenarioActivity(name: string, all: readonly Scenario<Act>[]) {
  return defineActivity({
    name,
    run: (context, index: number) => {
      const scenario = all[index];
      if (scenario === undefined) throw new Error("not one of these");
      return stepOf(scenario, context.info.attempt).act(context);
    },
  });
}

/** This repository's own carrier over HTTP. */
export async function serveScenarios(
  name: string,
  all: readonly Scenario<Act>[],
  options: InvocableActivityHandlerOptions = {},
): Promise<{ readonly url: string; readonly port: number; readonly close: () => Promise<void> }> {
  const handler = new InvocableActivityHandler([scenarioActivity(name, all)], options);
  const server = createServer(nodeInvocableActivityHandler(handler));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    port,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
