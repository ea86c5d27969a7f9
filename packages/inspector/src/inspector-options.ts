import type { AvroValue } from "@durable-workflow/carrier/payload";
import { checkOptionNames, checkSwitches, type OptionNames } from "@durable-workflow/engine-protocol";
import type { Capabilities, CarrierState } from "./api/index.js";
import type { DeskOptions } from "./desk.js";
import type { EngineTransport } from "./engine/transport.js";

export interface InspectorOptions {
  /** How the engine is reached. It holds the token: nothing here ever sees it. */
  readonly transport: EngineTransport;
  /** Of the engine, to be shown: without user, password and query. */
  readonly engineUrl: string;
  readonly namespace: string;
  readonly servedBy: Capabilities["servedBy"];
  /** Reads the arguments of a start from JSON text. What it throws is told to the user by its message. */
  readonly parseArguments: (text: string) => readonly AvroValue[];
  /** How a command line names this engine, such as `--server URL`. Default: not at all. */
  readonly commandOptions?: string;
  /** Refuses every action. Default false. */
  readonly isReadOnly?: boolean;
  /**
   * Whoever asks must bring it (HTTP Basic, with any user name). Default: none, and only requests that name this machine are
   * answered.
   */
  readonly password?: string;
  /** Says what a document of the wire is, in lines of text. Default: nothing is said. */
  readonly explain?: (document: unknown) => string | null;
  /** The carriers of a dispatcher that runs beside. */
  readonly carriers?: () => readonly CarrierState[];
  /** Folder of the page's files. Default: that of this package. */
  readonly pageFolder?: string;
}

const NAMES: OptionNames<InspectorOptions> = {
  transport: true,
  engineUrl: true,
  namespace: true,
  servedBy: true,
  parseArguments: true,
  commandOptions: true,
  isReadOnly: true,
  password: true,
  explain: true,
  carriers: true,
  pageFolder: true,
};

const SERVED_BY: Readonly<Record<InspectorOptions["servedBy"], true>> = { dev: true, engine: true, ui: true };

/**
 * The options with what is not said filled in.
 *
 * @throws {TypeError} naming an option that is not known, or not what it must be: a page that is to be looked at alone must not
 *   act for a misspelt name
 */
export function resolve(options: InspectorOptions): DeskOptions {
  checkOptionNames("the inspector", options, NAMES);
  checkSwitches(options, ["isReadOnly"]);
  if (!Object.hasOwn(SERVED_BY, options.servedBy)) {
    throw new TypeError(`servedBy must be one of ${Object.keys(SERVED_BY).join(", ")}`);
  }
  const { commandOptions = "", isReadOnly = false, explain = () => null, carriers } = options;
  const { transport, engineUrl, namespace, servedBy, parseArguments } = options;
  return {
    transport,
    engineUrl,
    namespace,
    servedBy,
    parseArguments,
    commandOptions,
    isReadOnly,
    explain,
    carriers,
  };
}
