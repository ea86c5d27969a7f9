import {
  type ActivityHandlers,
  InvocableActivityHandler,
  type InvocableActivityHandlerOptions,
  type InvocableHandler,
  isActivityDefinition,
  isInvocableActivityHandler,
} from "@durable-workflow/carrier";
import { inputSchemasOf } from "@durable-workflow/carrier/manifest";
import { CliError, EXIT } from "../../shell/command.js";
import type { LoadedModule } from "./load-module.js";

/** An activity type, and the file that has it. */
export interface ActivityFile {
  readonly type: string;
  readonly file: string;
}

/** The activities of one or more modules. */
export interface CollectedActivities {
  /** In the order of the files. */
  readonly types: readonly ActivityFile[];
  /** Runs all of them; fit for every adapter. */
  readonly handler: InvocableHandler;
  /** Stops all of them; see `InvocableActivityHandler.shutdown`. */
  shutdown(graceMs: number): Promise<void>;
}

/**
 * The activities that modules export:
 *
 * - a default export that is an object, a Map or a list of activities, a single definition with a name, or an
 *   `InvocableActivityHandler`, whose own options then count;
 * - every named export made by `defineActivity`, under its own name, else its export's;
 * - where there is no default export, every named function under its export's name. Classes are none.
 *
 * @throws {CliError} with exit code 78 for a module without activities, or with ones that cannot be used, and for a type
 *   that two files have
 */
export function collectActivities(
  modules: readonly LoadedModule[],
  options: InvocableActivityHandlerOptions,
): CollectedActivities {
  const routes = new Map<string, { readonly handler: InvocableActivityHandler; readonly file: string }>();
  const handlers = new Set<InvocableActivityHandler>();
  for (const { file, exports } of modules) {
    for (const found of handlersOf(file, exports)) {
      const handler = toHandler(file, found, options);
      handlers.add(handler);
      for (const type of handler.activityTypes) {
        const other = routes.get(type)?.file;
        if (other !== undefined) throw duplicate(type, other, file);
        routes.set(type, { handler, file });
      }
    }
    if (![...routes.values()].some((route) => route.file === file)) throw nothingIn(file, exports);
  }
  // Answers for the types that there are not.
  const none = new InvocableActivityHandler({}, options);
  const handler: InvocableHandler = {
    carrier: none.carrier,
    activityTypes: [...routes.keys()],
    inputSchemas: new Map([...handlers].flatMap((each) => Array.from(inputSchemasOf(each)))),
    get isShutDown() {
      return none.isShutDown;
    },
    handle: (task, how) => (routes.get(typeOf(task))?.handler ?? none).handle(task, how),
  };
  return {
    types: [...routes].map(([type, { file }]) => ({ type, file })),
    handler,
    async shutdown(graceMs) {
      await Promise.all([none, ...handlers].map((each) => each.shutdown({ graceMs })));
    },
  };
}

function handlersOf(
  file: string,
  { default: main, ...named }: Readonly<Record<string, unknown>>,
): readonly (ActivityHandlers | InvocableActivityHandler)[] {
  const definitions = Object.entries(named).filter(([, value]) => isActivityDefinition(value));
  if (main === undefined) {
    const functions = Object.entries(named).filter(([, value]) => typeof value === "function" && !isClass(value));
    return asHandlers([...definitions, ...functions]);
  }
  if (isInvocableActivityHandler(main)) return [main, ...asHandlers(definitions)];
  if (isActivityDefinition(main)) return [[main], ...asHandlers(definitions.filter(([, value]) => value !== main))];
  if (typeof main !== "object" || main === null) {
    throw new CliError(
      EXIT.config,
      `the default export of ${file} is ${main === null ? "null" : `a ${typeof main}`}, not activities`,
      'Export an object of functions: export default { "billing.charge": charge };',
    );
  }
  const known = new Set<unknown>(main instanceof Map || Array.isArray(main) ? main.values() : Object.values(main));
  return [main as ActivityHandlers, ...asHandlers(definitions.filter(([, value]) => !known.has(value)))];
}

function asHandlers(entries: readonly (readonly [string, unknown])[]): readonly ActivityHandlers[] {
  return entries.length === 0 ? [] : [new Map(entries) as ActivityHandlers];
}

function isClass(value: unknown): boolean {
  return typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));
}

function toHandler(
  file: string,
  found: ActivityHandlers | InvocableActivityHandler,
  options: InvocableActivityHandlerOptions,
): InvocableActivityHandler {
  if (isInvocableActivityHandler(found)) return found;
  try {
    return new InvocableActivityHandler(found, options);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CliError(EXIT.config, `the activities of ${file} cannot be used: ${error.message}`);
  }
}

function typeOf(envelope: unknown): string {
  const { task } = (envelope ?? {}) as { readonly task?: { readonly handler?: unknown } };
  const type = task?.handler;
  return typeof type === "string" ? type : "";
}

function duplicate(type: string, one: string, other: string): CliError {
  const where = one === other ? `${one} has two activities` : `${one} and ${other} each have an activity`;
  return new CliError(EXIT.config, `${where} of the type ${type}`, "Rename one, or leave one of the files out.");
}

function nothingIn(file: string, exports: Readonly<Record<string, unknown>>): CliError {
  const names = Object.keys(exports).filter((name) => name !== "module.exports");
  const has = names.length === 0 ? "exports nothing" : `exports ${names.join(", ")}, and none of it is an activity`;
  return new CliError(
    EXIT.config,
    `there are no activities in ${file}: it ${has}`,
    'Export functions by name, or an object of them: export default { "billing.charge": charge };',
  );
}
