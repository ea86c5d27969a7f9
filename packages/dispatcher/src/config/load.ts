import { readAuthReference } from "./auth-refs.js";
import { readCarrier } from "./carrier.js";
import { configError, ExecutorConfigError } from "./errors.js";
import { entriesOf, fieldOf, integerField, isObject, listField, textField } from "./fields.js";
import { checkOptionNames } from "./known-options.js";
import { meaningErrors } from "./meaning.js";
import type { ActivityMapping, AuthReference, ConfigDefaults, ExecutorConfig } from "./model.js";
import { applyOverlay, unknownOverlay } from "./overlay.js";
import { describePath } from "./redact.js";
import { shapeErrors } from "./shape.js";
import { NotTextError, readTextFile } from "./text-file.js";

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
  const errors = [...unknown, ...shapeErrors(found), ...meaningErrors(found, knownHandlers)];
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

/**
 * Reads an executor config from a file.
 *
 * @throws {ExecutorConfigError} `unreadable_config`, `invalid_json`, or as {@link parseExecutorConfig}
 */
export async function loadExecutorConfig(path: string, options: ParseConfigOptions = {}): Promise<ExecutorConfig> {
  return parseConfigText(await readConfigText(path), path, options);
}

/** @throws {ExecutorConfigError} `unreadable_config`, or `invalid_json` for what is no UTF-8 text */
export async function readConfigText(path: string): Promise<string> {
  try {
    return await readTextFile(path);
  } catch (error) {
    if (error instanceof NotTextError) {
      throw new ExecutorConfigError([configError("invalid_json", error.message, describePath(path))]);
    }
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new ExecutorConfigError([
      configError("unreadable_config", "The file cannot be read.", { ...describePath(path), reason }),
    ]);
  }
}

/** @throws {ExecutorConfigError} `invalid_json`, or as {@link parseExecutorConfig} */
export function parseConfigText(text: string, path: string, options: ParseConfigOptions = {}): ExecutorConfig {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which is not for everybody's eyes.
    throw new ExecutorConfigError([configError("invalid_json", "The file is no JSON document.", describePath(path))]);
  }
  return parseExecutorConfig(document, options);
}
