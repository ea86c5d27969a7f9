import { textAt } from "@durable-workflow/engine-protocol";
import {
  type ConfigError,
  ExecutorConfigError,
  parseExecutorConfig,
  type ServerRemark,
  serverRemarks,
} from "@durable-workflow/engine-protocol/executor-config";
import { shownTarget } from "../net/shown-url.js";
import type { Violation } from "../report/violation.js";
import { CliError, EXIT } from "../shell/command.js";
import { everywhere, facts, type Inspection, inspection } from "./inspection.js";

/**
 * An executor config: everything wrong with it, or where each activity goes.
 *
 * @throws {CliError} for an overlay that it does not have
 */
export function inspectExecutorConfig(document: unknown, overlay: string | undefined): Inspection {
  const title = overlay === undefined ? "an executor config" : `an executor config, with the overlay ${overlay}`;
  try {
    const { mappings, authRefs } = parseExecutorConfig(document, overlay === undefined ? {} : { overlay });
    return inspection({
      kind: "executor_config",
      title,
      facts: mappings.map(({ taskQueue, activityType, handler, carrier, authRef }) => ({
        name: `${taskQueue} ${activityType}`,
        value: `${shownTarget(carrier)} (carrier ${carrier.name}, handler ${handler}${authRef === null ? ", no credential" : `, credential ${authRef} from ${sourceOf(authRefs.get(authRef))}`})`,
      })),
      notes: [
        ...(mappings.length === 0 ? ["it maps no activity: a dispatcher has nothing to poll for"] : []),
        ...serverRemarks(document, overlay).map(remarkLine),
      ],
    });
  } catch (error) {
    if (!(error instanceof ExecutorConfigError)) throw error;
    if (error.errors.some(({ code }) => code === "unknown_overlay")) {
      throw new CliError(EXIT.config, `the config has no overlay ${overlay ?? ""}`);
    }
    return inspection({
      kind: "executor_config",
      title,
      violations: error.errors.map(violationOf),
      // What a dispatcher refuses by the same name is told already.
      notes: serverRemarks(document, overlay)
        .filter(({ code }) => !error.errors.some((one) => one.code === code))
        .map(remarkLine),
      prospect: everywhere(null, [
        "A dispatcher refuses to start with it. An engine that is given it hands out tasks without a mapping.",
      ]),
      facts: facts(["schema", textAt(document, "schema")]),
    });
  }
}

function sourceOf(reference: { readonly type: string } | undefined): string {
  return reference === undefined ? "nowhere" : reference.type;
}

/** What is wrong with a field says what must be there; what contradicts something else says in its context where. */
export function violationOf({ code, message, context, path, expected }: ConfigError): Violation {
  if (expected !== null) return { path, message: `must be ${expected}.`, code };
  const { mapping: _, carrier: __, auth_ref: ___, field: ____, ...more } = context;
  const shown = Object.keys(more).length === 0 ? "" : ` ${JSON.stringify(more)}`;
  return { path, message: message + shown, code };
}

/** A remark in a line. */
function remarkLine({ effect, code, path, message }: ServerRemark): string {
  const what = effect === "refused" ? `a server refuses this file (${code ?? ""})` : "a server passes over it";
  return `${path}: ${what}: ${message}`;
}
