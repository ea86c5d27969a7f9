export * from "./sources/circles.js";
export * from "./sources/code.js";
export * from "./sources/house.js";
export * from "./sources/source-tree.js";
