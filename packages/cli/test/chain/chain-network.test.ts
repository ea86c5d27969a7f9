import { engineHeartbeats } from "@durable-workflow/carrier/heartbeat";
import { seededRandom, startFaultProxy } from "@durable-workflow/test-support/fault-proxy";
import { expect, it } from "vitest";
import type { RecordedAttempt } from "./audit.js";
import { Chain } from "./chain.js";
import { expectEndsOnce } from "./ends-once.js";
import { quickStep } from "./handler-steps.js";
import { serveScenarios } from "./own-carrier.js";
import { countOr, SEED, scenarios } from "./scenario.js";

const COUNT = countOr(300);
/** The share of what passes that comes to harm. */
const RATE = 0.08;
/** How many leases of one activity may run out without counting against its policy: the engine's own default. */
const FREE_REDELIVERIES = 3;

const NETWORK_TYPES = new Set<unknown>([
  "CarrierUnreachable",
  "CarrierTimeout",
  "CallerDisconnected",
  "MalformedOutput",
]);

const isTheNetworks = ({ status, failure }: RecordedAttempt): boolean =>
  status === "expired" || status === "timed_out" || NETWORK_TYPES.has(failure?.type);

it(`each of ${COUNT} activities ends once though connections are cut (CHAIN_SEED=${SEED})`, {
  timeout: 600_000,
}, async () => {
  const all = scenarios(quickStep, COUNT);
  const random = seededRandom(SEED);
  const chain = new Chain({ leaseSeconds: 3, longPollSeconds: 1, freeRedeliveries: FREE_REDELIVERIES });
  const engineUrl = await chain.listen();
  try {
    const heartbeat = engineHeartbeats({ serverUrl: engineUrl, token: "none-is-needed" });
    const carrier = await serveScenarios("work", all, { heartbeat });
    chain.onClose(carrier.close);
    const toEngine = await startFaultProxy(Number(new URL(engineUrl).port), RATE, random);
    const toCarrier = await startFaultProxy(carrier.port, RATE, random);
    chain.onClose(() => toEngine.close());
    chain.onClose(() => toCarrier.close());
    await chain.dispatch(
      toEngine.url,
      { work: toCarrier.url },
      { requestTimeoutMs: 1_000, workerHeartbeatMs: 500, maxInFlight: 30 },
    );
    await expectEndsOnce(chain, "work", all, {
      audit: { allowance: FREE_REDELIVERIES, isDisturbance: isTheNetworks },
      answersGetLost: true,
      onClosed: () => {
        toEngine.heal();
        toCarrier.heal();
      },
    });
    // And harm was done.
    for (const proxy of [toEngine, toCarrier]) expect(Math.max(...Object.values(proxy.counts))).toBeGreaterThan(5);
  } finally {
    await chain.close();
  }
});
