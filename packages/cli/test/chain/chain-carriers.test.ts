import { it } from "vitest";
import { carrierStep } from "./carrier-answers.js";
import { RESPONSE_LIMIT_BYTES } from "./carrier-said.js";
import { Chain } from "./chain.js";
import { expectEndsOnce } from "./ends-once.js";
import { RawCarrier } from "./raw-carrier.js";
import { countOr, SEED, scenarios, stepOf } from "./scenario.js";

const COUNT = countOr(1_100);

it(`each of ${COUNT} activities of bad carriers ends once, as their answers say (CHAIN_SEED=${SEED})`, {
  timeout: 600_000,
}, async () => {
  const all = scenarios(carrierStep, COUNT);
  const chain = new Chain();
  const engineUrl = await chain.listen();
  const carrier = new RawCarrier((task) => {
    const scenario = all[Number(task.arguments[0])];
    if (scenario === undefined) throw new Error("not one of these");
    stepOf(scenario, task.attempt).act(task);
  });
  chain.onClose(() => carrier.close());
  try {
    await chain.dispatch(engineUrl, { work: await carrier.listen() }, { responseLimitBytes: RESPONSE_LIMIT_BYTES });
    await expectEndsOnce(chain, "work", all);
  } finally {
    await chain.close();
  }
});
