/** Calls that few programs make. Loaded when one is made. */
export { follow } from "./follow.js";
export { list } from "./list.js";
export { startMany } from "./many.js";
export { stop } from "./stop.js";
export { validateArguments } from "./validation.js";
