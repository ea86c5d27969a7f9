import { entriesOf, fieldOf, isObject, listField, textField } from "../fields.js";
import { authReferenceErrors } from "./auth-refs.js";
import { processErrors } from "./carrier.js";
import { type ConfigError, configError } from "./errors.js";
import { defaultAuthRefErrors, inheritsAuthRef } from "./meaning.js";

/**
 * Everything in a document that keeps its activities from being delivered: what only a dispatcher needs. It assumes
 * nothing of the document's shape.
 *
 * @param knownHandlers the handlers that the carriers are known to have; undefined when that is not known
 */
export function deliveryErrors(document: unknown, knownHandlers?: readonly string[]): readonly ConfigError[] {
  const errors: ConfigError[] = [];
  for (const [name, reference] of entriesOf(fieldOf(document, "auth_refs"))) {
    errors.push(...authReferenceErrors(name, reference));
  }
  for (const [name, carrier] of entriesOf(fieldOf(document, "carriers"))) errors.push(...processErrors(name, carrier));
  const mappings = listField(document, "mappings");
  for (const mapping of mappings) {
    if (isObject(mapping)) errors.push(...mappingErrors(document, mapping, knownHandlers));
  }
  // Where a mapping takes it, it is wrong for everybody.
  if (!mappings.some((mapping) => inheritsAuthRef(mapping))) errors.push(...defaultAuthRefErrors(document));
  return errors;
}

function mappingErrors(
  document: unknown,
  mapping: object,
  knownHandlers: readonly string[] | undefined,
): readonly ConfigError[] {
  const errors: ConfigError[] = [];
  const name = textField(mapping, "name") ?? "";
  const handler = textField(mapping, "handler");
  if (handler !== undefined && knownHandlers !== undefined && !knownHandlers.includes(handler)) {
    const message = "No carrier is known to have this handler.";
    errors.push(configError("unknown_handler", message, { mapping: name, handler }));
  }
  if (fieldOf(mapping, "kind") !== "activity") return errors;
  if (textField(mapping, "activity_type") === undefined) {
    const context = { mapping: name, field: "activity_type" };
    errors.push(configError("invalid_queue_binding", "An activity needs an activity_type.", context));
  }
  const carrier = textField(mapping, "carrier");
  const type = carrier === undefined ? undefined : textField(fieldOf(fieldOf(document, "carriers"), carrier), "type");
  if (type !== undefined && type !== "invocable_http" && type !== "process") {
    const message = "Activities can be delivered to carriers of type invocable_http and process only.";
    errors.push(configError("unsupported_carrier_type", message, { mapping: name, carrier, type }));
  }
  return errors;
}
