import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { defineActivity, InvocableActivityHandler } from "@durable-workflow/carrier";
import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { expect, it } from "vitest";
import { Audit } from "./audit.js";
import { Chain, startAll, untilAllClosed } from "./chain.js";
import { handlerStep } from "./handler-steps.js";
import { scenarios, SEED, stepOf } from "./scenario.js";
import { wronglyTold } from "./told.js";

const COUNT = Number(process.env["CHAIN_COUNT"] ?? 1_300);

it(`each of ${COUNT} activities of odd handlers ends once, as its handler says (CHAIN_SEED=${SEED})`, {
  timeout: 240_000,
}, async () => {
  const all = scenarios(handlerStep, COUNT);
  const chain = new Chain();
  const engineUrl = await chain.listen();
  try {
    const work = defineActivity({
      name: "work",
      run: (context, index: number) => {
        const scenario = all[index];
        if (scenario === undefined) throw new Error("not one of these");
        return stepOf(scenario, context.info.attempt).act(context);
      },
    });
    const handler = new InvocableActivityHandler([work], {
      heartbeat: { serverUrl: engineUrl, token: "none-is-needed" },
    });
    const server = createServer(nodeInvocableActivityHandler(handler));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    chain.onClose(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    await chain.dispatch(engineUrl, { work: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` });
    const ids = await startAll(chain.client, "work", all);
    const open = await untilAllClosed(chain.client);
    await chain.drain();
    const audit = new Audit();
    await audit.read(chain.client, ids, all);
    expect({ open, wrong: audit.wrong }).toEqual({ open: [], wrong: [] });
    const { events, log } = chain;
    expect(wronglyTold({ events, log, counted: await chain.countedEnds() }, audit.attempts)).toEqual([]);
    expect(audit.recorded).toHaveLength(COUNT);
  } finally {
    await chain.close();
  }
});
