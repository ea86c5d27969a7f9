/** What becomes of a call whose first try did not go well. Loaded when that has happened. */
export { askAgain, unreadable } from "./ask-again.js";
export { startAgain } from "./start-again.js";
export { unreadableResult } from "./unreadable-result.js";
export { unsendable } from "./unsendable.js";
export { waitTimedOut } from "./wait-timed-out.js";
