import { handlerStep } from "./handler-steps.js";
import { scenarioActivity } from "./own-carrier.js";
import { scenarios } from "./scenario.js";
import { strayStep } from "./stray-steps.js";

// The file that `dw-carrier dev` and `serve` are given. It makes the same scenarios as the test that starts them.

const count = Number(process.env["CHAIN_ACTIVITIES"]);

export const work = scenarioActivity("work", scenarios(handlerStep, count));
export const stray = scenarioActivity("stray", scenarios(strayStep, count));
