export * from "./fields.js";
export * from "./reasons.js";
export * from "./version.js";
