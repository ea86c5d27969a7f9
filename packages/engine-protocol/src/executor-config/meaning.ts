import { authReferenceErrors } from "./auth-refs.js";
import { carrierErrors } from "./carrier.js";
import { type ConfigError, type ConfigErrorCode, configError } from "./errors.js";
import { entriesOf, fieldOf, isObject, listField, textField, textsField } from "../fields.js";
import { isLoopbackHost, parseUrl } from "./target.js";

/** The capability that a carrier must have for a mapping of each kind. */
const CAPABILITIES: Readonly<Record<string, string>> = { activity: "activity_task" };

/**
 * Everything in a document that contradicts itself or cannot be delivered to: what a schema cannot say. It assumes
 * nothing of the document's shape, so that both kinds of errors can be reported together.
 *
 * @param knownHandlers the handlers that the carriers are known to have; undefined when that is not known
 */
export function meaningErrors(document: unknown, knownHandlers?: readonly string[]): readonly ConfigError[] {
  const errors: ConfigError[] = [];
  for (const [name, reference] of entriesOf(fieldOf(document, "auth_refs"))) {
    errors.push(...authReferenceErrors(name, reference));
  }
  for (const [name, carrier] of entriesOf(fieldOf(document, "carriers"))) errors.push(...carrierErrors(name, carrier));
  const seen: Seen = { names: new Set(), activities: new Map() };
  for (const mapping of listField(document, "mappings")) {
    if (isObject(mapping)) checkMapping(document, mapping, seen, knownHandlers, errors);
  }
  const defaultRef = textField(fieldOf(document, "defaults"), "auth_ref");
  if (defaultRef !== undefined && !hasEntry(document, "auth_refs", defaultRef)) {
    const message = "defaults.auth_ref names an auth_ref that does not exist.";
    errors.push(configError("unknown_auth_ref", message, { auth_ref: defaultRef }));
  }
  return errors;
}

interface Seen {
  readonly names: Set<string>;
  /** Mapping name by task queue and activity type. */
  readonly activities: Map<string, string>;
}

function hasEntry(document: unknown, section: string, name: string): boolean {
  return fieldOf(fieldOf(document, section), name) !== undefined;
}

function checkMapping(
  document: unknown,
  mapping: object,
  seen: Seen,
  knownHandlers: readonly string[] | undefined,
  errors: ConfigError[],
): void {
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
  const handler = textField(mapping, "handler");
  if (handler !== undefined && knownHandlers !== undefined && !knownHandlers.includes(handler)) {
    report("unknown_handler", "No carrier is known to have this handler.", { handler });
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
    if (authRef === undefined && url !== undefined && !isLoopbackHost(url.hostname)) {
      const message = "A carrier that is not on loopback needs an auth_ref, of the mapping or of the defaults.";
      report("missing_invocable_auth_ref", message, named);
    }
  } else if (kind === "activity" && type !== undefined && type !== "process") {
    const message = "Activities can be delivered to carriers of type invocable_http and process only.";
    report("unsupported_carrier_type", message, { ...named, type });
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
  if (activityType === undefined) {
    report("invalid_queue_binding", "An activity needs an activity_type.", { field: "activity_type" });
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
