export type * from "./activities.js";
