import { fieldOf, isObject } from "../fields.js";
import { type ConfigError, configError } from "./errors.js";

/**
 * The document as it is in an environment: `defaults` merged field by field, `carriers` deeply (lists are replaced),
 * `mappings` replaced. Undefined when it has no such overlay.
 */
export function applyOverlay(document: unknown, name: string): unknown {
  const overlay = fieldOf(fieldOf(document, "overlays"), name);
  if (!isObject(document) || !isObject(overlay)) return undefined;
  return {
    ...document,
    ...("defaults" in overlay ? { defaults: mergeFields(document["defaults"], overlay["defaults"]) } : {}),
    ...("carriers" in overlay ? { carriers: mergeDeeply(document["carriers"], overlay["carriers"]) } : {}),
    ...("mappings" in overlay ? { mappings: overlay["mappings"] } : {}),
  };
}

/** The error of an overlay that a config does not have. */
export function unknownOverlay(name: string): ConfigError {
  return configError("unknown_overlay", "The config has no overlay of this name.", { overlay: name });
}

function mergeFields(base: unknown, changes: unknown): unknown {
  return isObject(base) && isObject(changes) ? { ...base, ...changes } : changes;
}

function mergeDeeply(base: unknown, changes: unknown): unknown {
  if (!isObject(base) || !isObject(changes)) return changes;
  const merged = Object.entries(changes).map(([key, value]) => [key, mergeDeeply(fieldOf(base, key), value)] as const);
  return { ...base, ...Object.fromEntries(merged) };
}
