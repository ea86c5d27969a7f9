import { engineHeartbeats } from "@durable-workflow/carrier/heartbeat";
import { it } from "vitest";
import { Chain } from "./chain.js";
import { expectEndsOnce } from "./ends-once.js";
import { handlerStep } from "./handler-steps.js";
import { serveScenarios } from "./own-carrier.js";
import { countOr, SEED, scenarios } from "./scenario.js";

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
    await expectEndsOnce(chain, "work", all);
  } finally {
    await chain.close();
  }
});
