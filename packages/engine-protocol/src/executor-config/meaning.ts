import { entriesOf, fieldOf, isObject, listField, textField, textsField } from "../fields.js";
import { targetErrors } from "./carrier.js";
import { type ConfigError, type ConfigErrorCode, configError } from "./errors.js";
import { goesWithoutAuth, parseUrl } from "./target.js";

/** The capability that a carrier must have for a mapping of each kind. */
const CAPABILITIES: Readonly<Record<string, string>> = { activity: "activity_task" };

/**
 * Everything in a document that contradicts itself, by the names of the contract: what a schema cannot say, and what holds
 * for whoever reads the config, engine and dispatcher alike. It assumes nothing of the document's shape, so that all kinds
 * of errors can be reported together.
 */
export function meaningErrors(document: unknown): readonly ConfigError[] {
  const errors: ConfigError[] = [];
  for (const [name, carrier] of entriesOf(fieldOf(document, "carriers"))) errors.push(...targetErrors(name, carrier));
  const seen: Seen = { names: new Set(), activities: new Map() };
  for (const mapping of listField(document, "mappings")) {
    if (isObject(mapping)) checkMapping(document, mapping, seen, errors);
  }
  if (listField(document, "mappings").some((mapping) => inheritsAuthRef(mapping))) {
    errors.push(...defaultAuthRefErrors(document));
  }
  return errors;
}

/** Whether a mapping takes the auth_ref of the defaults, where there is one. */
export function inheritsAuthRef(mapping: unknown): boolean {
  return isObject(mapping) && textField(mapping, "auth_ref") === undefined;
}

/** That the auth_ref of the defaults exists. */
export function defaultAuthRefErrors(document: unknown): readonly ConfigError[] {
  const name = textField(fieldOf(document, "defaults"), "auth_ref");
  if (name === undefined || hasEntry(document, "auth_refs", name)) return [];
  const message = "defaults.auth_ref names an auth_ref that does not exist.";
  return [configError("unknown_auth_ref", message, { auth_ref: name })];
}

interface Seen {
  readonly names: Set<string>;
  /** Mapping name by task queue and activity type. */
  readonly activities: Map<string, string>;
}

function hasEntry(document: unknown, section: string, name: string): boolean {
  return fieldOf(fieldOf(document, section), name) !== undefined;
}

function checkMapping(document: unknown, mapping: object, seen: Seen, errors: ConfigError[]): void {
  const name = textField(mapping, "name") ?? "";
  const report = (code: ConfigErrorCode, message: string, context: Readonly<Record<string, unknown>> = {}): void => {
    errors.push(configError(code, message, { mapping: name, ...context }));
  };
  if (name !== "" && seen.names.has(name)) report("duplicate_mapping_name", "Names of mappings must be unique.");
  seen.names.add(name);

  const kind = textField(mapping, "kind");
  const carrierName = textField(mapping, "carrier");
  const carrier = carrierName === undefined ? undefined : fieldOf(fieldOf(document, "carriers"), carrierName);
  if (carrierName !== undefined && carrier === undefined) {
    report("unknown_carrier", "The mapping names a carrier that does not exist.", { carrier: carrierName });
  }
  const ownRef = textField(mapping, "auth_ref");
  if (ownRef !== undefined && !hasEntry(document, "auth_refs", ownRef)) {
    report("unknown_auth_ref", "The mapping names an auth_ref that does not exist.", { auth_ref: ownRef });
  }
  if (carrier !== undefined) checkCarrierFits(document, mapping, { kind, carrierName, carrier }, report);
  if (kind === "activity") checkBinding(document, mapping, name, seen, report);
}

type ReportMapping = (code: ConfigErrorCode, message: string, context?: Readonly<Record<string, unknown>>) => void;

function checkCarrierFits(
  document: unknown,
  mapping: object,
  {
    kind,
    carrierName,
    carrier,
  }: { readonly kind: string | undefined; readonly carrierName: string | undefined; readonly carrier: unknown },
  report: ReportMapping,
): void {
  const type = textField(carrier, "type");
  const named = { carrier: carrierName };
  const capability = CAPABILITIES[kind ?? ""] ?? kind;
  const capabilities = fieldOf(carrier, "capabilities");
  if (
    Array.isArray(capabilities) &&
    capability !== undefined &&
    !textsField(carrier, "capabilities").includes(capability)
  ) {
    report("unsupported_carrier_capability", "The carrier does not do what the mapping wants.", { ...named, kind });
  }
  if (type === "invocable_http") {
    if (kind !== undefined && kind !== "activity") {
      const message = "An invocable_http carrier runs activities, and nothing else.";
      report("invalid_invocable_carrier_scope", message, { ...named, kind });
    }
    const url = parseUrl(textField(carrier, "url") ?? "");
    const authRef = textField(mapping, "auth_ref") ?? textField(fieldOf(document, "defaults"), "auth_ref");
    if (authRef === undefined && url !== undefined && !goesWithoutAuth(url)) {
      const message =
        "A carrier needs an auth_ref, of the mapping or of the defaults; only http on loopback goes without.";
      report("missing_invocable_auth_ref", message, named);
    }
  }
}

function checkBinding(document: unknown, mapping: object, name: string, seen: Seen, report: ReportMapping): void {
  const taskQueue = textField(mapping, "task_queue") ?? textField(fieldOf(document, "defaults"), "task_queue");
  const activityType = textField(mapping, "activity_type");
  if (taskQueue === undefined) {
    report("invalid_queue_binding", "An activity needs a task_queue, of the mapping or of the defaults.", {
      field: "task_queue",
    });
  }
  if (taskQueue === undefined || activityType === undefined) return;
  const key = JSON.stringify([taskQueue, activityType]);
  const other = seen.activities.get(key);
  if (other === undefined) seen.activities.set(key, name);
  else {
    report("invalid_queue_binding", "Two mappings claim the same activity of the same task queue.", {
      other,
      task_queue: taskQueue,
      activity_type: activityType,
    });
  }
}
