import { engineHeartbeats } from "@durable-workflow/carrier/heartbeat";
import { systemClock } from "@durable-workflow/dispatcher";
import { Gateway } from "@durable-workflow/test-support/gateway";
import { it } from "vitest";
import { Chain } from "./chain.js";
import { expectEndsOnce } from "./ends-once.js";
import { quickStep } from "./handler-steps.js";
import { serveScenarios } from "./own-carrier.js";
import { countOr, SEED, scenarios } from "./scenario.js";

const COUNT = countOr(50);
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const YEAR_MS = 365 * 24 * HOUR_MS;

/** How far clocks are ahead of the engine's own: the carrier's, the dispatcher's, and that of what stands before the engine. */
const SKEWS = [
  [10 * MINUTE_MS, 0, 0],
  [-10 * MINUTE_MS, 0, 0],
  [0, HOUR_MS, 0],
  [0, -HOUR_MS, 0],
  [0, 0, 10 * MINUTE_MS],
  [0, 0, -10 * MINUTE_MS],
  [YEAR_MS, -YEAR_MS, 0],
  [-YEAR_MS, YEAR_MS, YEAR_MS],
] as const;

const ahead = (ms: number): typeof systemClock => ({ ...systemClock, now: () => Date.now() + ms });

it.each(SKEWS)(
  `no attempt is burnt by clocks that are %i, %i and %i ms ahead (CHAIN_SEED=${SEED})`,
  async (carrierMs, dispatcherMs, proxyMs) => {
    const all = scenarios(quickStep, COUNT, SEED + carrierMs + dispatcherMs + proxyMs);
    const chain = new Chain({ leaseSeconds: 60 });
    const engineUrl = await chain.listen();
    const gateway = new Gateway({ target: () => engineUrl, now: () => Date.now() + proxyMs });
    gateway.keepCalls = false;
    await gateway.start();
    chain.onClose(() => gateway.stop());
    try {
      const heartbeat = engineHeartbeats({ serverUrl: engineUrl, token: "none-is-needed" });
      const carrier = await serveScenarios("work", all, { heartbeat, clock: ahead(carrierMs) });
      chain.onClose(carrier.close);
      await chain.dispatch(gateway.url, { work: carrier.url }, { clock: ahead(dispatcherMs) });
      await expectEndsOnce(chain, "work", all, { request: { start_to_close_timeout_seconds: 40 } });
    } finally {
      await chain.close();
    }
  },
);
