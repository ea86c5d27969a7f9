import { engineHeartbeats } from "@durable-workflow/carrier/heartbeat";
import { expect, it } from "vitest";
import { Audit } from "./audit.js";
import { Chain, startAll, untilAllClosed } from "./chain.js";
import { handlerStep } from "./handler-steps.js";
import { serveScenarios } from "./own-carrier.js";
import { countOr, SEED, scenarios } from "./scenario.js";
import { wronglyTold } from "./told.js";

const COUNT = countOr(1_100);

it(`each of ${COUNT} activities of odd handlers ends once, as its handler says (CHAIN_SEED=${SEED})`, {
  timeout: 600_000,
}, async () => {
  const all = scenarios(handlerStep, COUNT);
  const chain = new Chain();
  const engineUrl = await chain.listen();
  try {
    const carrier = await serveScenarios("work", all, {
      heartbeat: engineHeartbeats({ serverUrl: engineUrl, token: "none-is-needed" }),
    });
    chain.onClose(carrier.close);
    await chain.dispatch(engineUrl, { work: carrier.url });
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
