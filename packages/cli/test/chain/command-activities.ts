import { handlerStep } from "./handler-steps.js";
import { scenarioActivity } from "./own-carrier.js";
import { scenarios } from "./scenario.js";

// The file that `dw-carrier dev` and `serve` are given. It makes the same scenarios as the test that starts them.

export const work = scenarioActivity("work", scenarios(handlerStep, Number(process.env["CHAIN_ACTIVITIES"])));
