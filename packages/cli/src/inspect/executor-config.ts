import { textAt } from "@durable-workflow/engine-protocol";
import {
  type ConfigError,
  ExecutorConfigError,
  parseExecutorConfig,
} from "@durable-workflow/engine-protocol/executor-config";
import { CliError, EXIT } from "../command.js";
import { facts, type Inspection, inspection, type Violation } from "./inspection.js";

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
        value: `${carrier.type === "invocable_http" ? carrier.url : carrier.command.join(" ")} (carrier ${carrier.name}, handler ${handler}${authRef === null ? ", no credential" : `, credential ${authRef} from ${sourceOf(authRefs.get(authRef))}`})`,
      })),
      notes: mappings.length === 0 ? ["it maps no activity: a dispatcher has nothing to poll for"] : [],
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
      prospect: {
        current: null,
        april: null,
        explanation: [
          "A dispatcher refuses to start with it. An engine that is given it hands out tasks without a mapping.",
        ],
      },
      facts: facts(["schema", textAt(document, "schema")]),
    });
  }
}

function sourceOf(reference: { readonly type: string } | undefined): string {
  return reference === undefined ? "nowhere" : reference.type;
}

/** What is wrong with a field begins with its path; what contradicts something else says in its context where. */
export function violationOf({ code, message, context }: ConfigError): Violation {
  const [, path, demand] = /^(the document|[a-z][\w.[\]-]*) (must be .*)$/.exec(message) ?? [];
  if (path !== undefined && demand !== undefined) {
    return { path: path === "the document" ? "" : path, message: demand, code };
  }
  const { mapping, carrier, auth_ref: authRef, field, ...more } = context;
  const owner = [
    ["mappings", mapping],
    ["carriers", carrier],
    ["auth_refs", authRef],
  ].find(([, name]) => typeof name === "string");
  const shown = Object.keys(more).length === 0 ? "" : ` ${JSON.stringify(more)}`;
  const parts = [...(owner ?? []), ...(typeof field === "string" ? [field] : [])];
  return { path: parts.join("."), message: message + shown, code };
}
