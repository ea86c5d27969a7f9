import type { Json } from "@durable-workflow/test-support/engine-client";

export interface Difference {
  readonly path: string;
  readonly what: string;
}

/** What is compared is which fields there are, and of what type; of text, only whether it is there. */
export function compareShapes(recorded: Json, own: Json, path = ""): readonly Difference[] {
  const types = [typeOf(recorded), typeOf(own)];
  if (types[0] !== types[1]) return [{ path, what: `${types[0]} recorded, ${types[1]} here` }];
  if (Array.isArray(recorded)) return compareLists(recorded, own, path);
  if (types[0] !== "object") return [];
  const keys = new Set([...Object.keys(recorded), ...Object.keys(own)]);
  return [...keys].flatMap((key) => {
    const at = path === "" ? key : `${path}.${key}`;
    if (!Object.hasOwn(own, key)) return [{ path: at, what: "recorded, missing here" }];
    if (!Object.hasOwn(recorded, key)) return [{ path: at, what: "not recorded" }];
    return compareShapes(recorded[key], own[key], at);
  });
}

/** Events are compared type by type, the first of a type with the first and so on; other lists by their first items. */
function compareLists(recorded: readonly Json[], own: readonly Json[], path: string): readonly Difference[] {
  if (recorded[0]?.event_type !== undefined) {
    return recorded.flatMap((event, index) => {
      const same = (other: Json): boolean => other.event_type === event.event_type;
      const counterpart = own.filter(same)[recorded.slice(0, index).filter(same).length];
      const at = `${path}.${event.event_type}`;
      if (counterpart === undefined) return [{ path: at, what: "recorded, missing here" }];
      return compareShapes(event, counterpart, at);
    });
  }
  if (recorded.length === 0 || own.length === 0) return [];
  return compareShapes(recorded[0], own[0], `${path}[]`);
}

function typeOf(value: Json): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "list" : typeof value;
}

/** What is decided, and what is said of a mistake: it is shown to people, and searched for. */
const COMPARED = `
  message error errors validation_errors remediation json_error allowed_roles role limit
  outcome recorded can_continue cancel_requested heartbeat_recorded run_closed_reason
  status activity_status attempt_count closed_reason result business_key activity_class
  run_status attempt_status task_status command_status command_sequence target_scope
  poll_status task.attempt_number task.arguments task.retry_policy task.activity_type
  processed enforced expired_count activity_count next_page_token acknowledged registered
`.match(/\S+/g) as readonly string[];

export function compareValues(recorded: Json, own: Json): readonly Difference[] {
  return COMPARED.flatMap((path) => {
    const [theirs, ours] = [recorded, own].map((body) => JSON.stringify(valueAt(body, path)));
    return theirs === undefined || theirs === ours
      ? []
      : [{ path: `value of ${path}`, what: `${theirs}, here ${ours}` }];
  });
}

function valueAt(body: Json, path: string): unknown {
  return path.split(".").reduce((inner: Json, key) => inner?.[key], body);
}
