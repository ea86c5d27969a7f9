/** As deep as the engine's own parser goes. */
export const DEEPEST_JSON = 512;
/** Values in one body: elements of lists, and properties. */
export const MOST_VALUES = 500_000;
/** Properties in one body. They cost more than other values, above all where each has a name of its own. */
export const MOST_KEYS = 50_000;
