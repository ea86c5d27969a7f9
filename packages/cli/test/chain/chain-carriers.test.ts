import { expect, it } from "vitest";
import { Audit } from "./audit.js";
import { carrierStep } from "./carrier-answers.js";
import { RESPONSE_LIMIT_BYTES } from "./carrier-said.js";
import { Chain, startAll, untilAllClosed } from "./chain.js";
import { RawCarrier } from "./raw-carrier.js";
import { countOr, SEED, scenarios, stepOf } from "./scenario.js";
import { wronglyTold } from "./told.js";

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
