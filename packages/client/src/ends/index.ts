/** How activities end that do not complete, and runs that are not the newest. Loaded when there is one. */
export { ActivityOutcomeError } from "../errors/outcome-error.js";
export { readDescribedFailure } from "./failure.js";
export { outcomeOf } from "./outcome.js";
