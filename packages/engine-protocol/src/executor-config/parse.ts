import { entriesOf, fieldOf, integerField, isObject, listField, textField } from "../fields.js";
import { checkOptionNames } from "../known-options.js";
import { readAuthReference } from "./auth-refs.js";
import { readCarrier } from "./carrier.js";
import { deliveryErrors } from "./delivery.js";
import { ExecutorConfigError } from "./errors.js";
import { meaningErrors } from "./meaning.js";
import type { ActivityMapping, AuthReference, ConfigDefaults, ExecutorConfig } from "./model.js";
import { applyOverlay, unknownOverlay } from "./overlay.js";
import { shapeErrors } from "./shape.js";

/** How an executor config is read. */
export interface ParseConfigOptions {
  /** Name of the overlay to apply. Default: none. */
  readonly overlay?: string;
  /** Handlers that the carriers are known to have; a mapping to another one is refused. Default: not checked. */
  readonly knownHandlers?: readonly string[];
}

/**
 * Reads an executor config.
 *
 * @param document a parsed JSON document
 * @throws {ExecutorConfigError} with everything that is wrong with it
 */
export function parseExecutorConfig(document: unknown, options: ParseConfigOptions = {}): ExecutorConfig {
  checkOptionNames("parseExecutorConfig", options, { overlay: true, knownHandlers: true });
  const { overlay, knownHandlers } = options;
  const merged = overlay === undefined ? document : applyOverlay(document, overlay);
  const unknown = overlay !== undefined && merged === undefined ? [unknownOverlay(overlay)] : [];
  const found = merged ?? document;
  const errors = [...unknown, ...shapeErrors(found), ...meaningErrors(found), ...deliveryErrors(found, knownHandlers)];
  if (errors.length > 0) throw new ExecutorConfigError(errors);
  return readConfig(merged);
}

function readConfig(document: unknown): ExecutorConfig {
  const defaults = readDefaults(fieldOf(document, "defaults"));
  const authRefs = new Map<string, AuthReference>();
  for (const [name, reference] of entriesOf(fieldOf(document, "auth_refs"))) {
    const read = readAuthReference(reference);
    if (read !== undefined) authRefs.set(name, read);
  }
  const carriers = new Map(
    entriesOf(fieldOf(document, "carriers")).map(([name, carrier]) => [name, readCarrier(name, carrier)]),
  );
  const mappings: ActivityMapping[] = [];
  for (const mapping of listField(document, "mappings")) {
    const carrier = carriers.get(textField(mapping, "carrier") ?? "");
    if (!isObject(mapping) || mapping["kind"] !== "activity" || carrier === undefined) continue;
    mappings.push({
      name: textField(mapping, "name") ?? "",
      taskQueue: textField(mapping, "task_queue") ?? defaults.taskQueue ?? "",
      activityType: textField(mapping, "activity_type") ?? "",
      handler: textField(mapping, "handler") ?? "",
      carrier,
      authRef: textField(mapping, "auth_ref") ?? defaults.authRef,
      timeoutSeconds: integerField(mapping, "timeout_seconds") ?? null,
      source: "config",
    });
  }
  return { defaults, authRefs, mappings };
}

function readDefaults(defaults: unknown): ConfigDefaults {
  return {
    profile: textField(defaults, "profile") ?? null,
    namespace: textField(defaults, "namespace") ?? null,
    taskQueue: textField(defaults, "task_queue") ?? null,
    authRef: textField(defaults, "auth_ref") ?? null,
  };
}
