import { join } from "node:path";
import type { InProcessEngine } from "@durable-workflow/engine-protocol";
import type { Inspector } from "@durable-workflow/inspector";
import {
  createLocalEngine,
  isLocalEngineError,
  type LocalEngine,
  type Site,
  type TokenOptions,
} from "@durable-workflow/local-engine";
import {
  type DevState,
  findDevState,
  prepareDataFolder,
  removeDevState,
  writeDevState,
} from "../../engine/dev-state.js";
import { HttpClient } from "../../net/http-client.js";
import type { PageOptions } from "../../page/page.js";
import { CliError, type CliIo, EXIT } from "../../shell/command.js";
import { cannotListen } from "../carrier/carrier-server.js";
import { ControlServer } from "./control-server.js";

const HOST = "127.0.0.1";
const ENGINE_PORT = 7070;
/** Whoever is killed while working leaves tasks behind: this is how long the next one waits for them. */
const LEASE_SECONDS = 15;
const FILE = "engine.sqlite";

export interface EngineHostOptions {
  readonly command: DevState["command"];
  /** Folder of what is kept; an absolute path. */
  readonly dataFolder: string;
  /** Whether the engine keeps everything in memory. */
  readonly inMemory: boolean;
  /** Address to listen on. Default 127.0.0.1; one that others can reach needs tokens. */
  readonly host?: string | undefined;
  /**
   * Who may do what. Default: whoever reaches it, everything. With tokens there is no page, which would ask with one of them
   * for everybody, and the engine is not announced.
   */
  readonly auth?: TokenOptions | undefined;
  /** Port of the engine; undefined for the usual one, or a free one where that is taken. */
  readonly port: number | undefined;
  /** Option that names it, for errors. */
  readonly portOption: string;
  /** How long a worker may be silent before its task is given to another. */
  readonly leaseSeconds?: number | undefined;
  /** The carriers of the dispatcher that runs beside. */
  readonly carriers?: PageOptions["carriers"];
}

export interface RunningEngine {
  /** For those who ask it in this process. */
  readonly inProcess: InProcessEngine;
  readonly url: string;
  /** Where it keeps what it knows; null for one in memory. */
  readonly file: string | null;
}

/** A local engine that a command runs for this user, with the word by which other commands find it. */
export class EngineHost {
  private readonly options: EngineHostOptions;
  private readonly io: Pick<CliIo, "env">;
  private engine: LocalEngine | undefined;
  private control: ControlServer | undefined;
  /** Undefined before it can be made. */
  private makePage: (() => Promise<Inspector>) | undefined;
  private page: Promise<Inspector> | undefined;

  constructor(options: EngineHostOptions, io: Pick<CliIo, "env">) {
    this.options = options;
    this.io = io;
  }

  /** @throws {CliError} with what has begun still to be closed */
  async start(): Promise<RunningEngine> {
    const { inMemory, dataFolder, host = HOST, auth, port, portOption, leaseSeconds = LEASE_SECONDS } = this.options;
    const file = inMemory ? null : join(dataFolder, FILE);
    if (file !== null) await prepareDataFolder(dataFolder);
    this.engine = openEngine(file ?? ":memory:", leaseSeconds, auth);
    const site = auth === undefined ? { site: this.site } : {};
    const url = await listen(this.engine, port, { host, option: portOption, ...site });
    if (auth !== undefined) return { inProcess: this.engine, url, file };
    const { command, carriers } = this.options;
    const connection = { url, namespace: "default", token: undefined, tlsVerify: true };
    this.makePage = async () => {
      const { pageOf } = await import("../../page/page.js");
      return pageOf(connection, this.io, { servedBy: command, ...(carriers === undefined ? {} : { carriers }) });
    };
    return { inProcess: this.engine, url, file };
  }

  /** The page of the engine, at its own address. Loaded with the first request: most of those who wait for `dev` never look at it. */
  private readonly site: Site = (request, response) => {
    this.page ??= this.makePage?.();
    if (this.page === undefined) {
      response.writeHead(503, { "retry-after": "1" }).end();
      return;
    }
    this.page.then(
      (page) => page.handle(request, response),
      () => {
        this.page = undefined;
        response.writeHead(500).end();
      },
    );
  };

  /** Lets other commands find it. To be called once what they will ask for runs. */
  async announce({ url, taskQueue }: Pick<DevState, "url" | "taskQueue">): Promise<void> {
    const { engine } = this;
    if (engine === undefined) throw new Error("the engine has not been started");
    const { command, dataFolder } = this.options;
    this.control = new ControlServer(engine);
    const control = await this.control.start();
    await writeDevState(dataFolder, { command, url, namespace: "default", taskQueue, pid: process.pid, control });
  }

  /** Nobody is to find it any more. */
  async withdraw(): Promise<void> {
    const { control } = this;
    this.control = undefined;
    if (control === undefined) return;
    await removeDevState(this.options.dataFolder);
    await control.close();
  }

  async close(): Promise<void> {
    await this.withdraw();
    this.makePage = undefined;
    (await this.page?.catch(() => undefined))?.close();
    await this.engine?.close();
  }
}

/** The command that runs an engine with a data folder already; undefined when none does. */
export async function runningWith(dataFolder: string, io: CliIo): Promise<DevState | undefined> {
  return (await findDevState(dataFolder, { cwd: io.cwd, http: new HttpClient(io) })).state;
}

/** @throws {CliError} always: two engines cannot have one folder */
export function refuseSecond({ command, pid, url }: DevState, dataFolder: string): never {
  throw new CliError(
    EXIT.failed,
    `dw-carrier ${command} runs already on ${dataFolder} (process ${pid}, engine ${url})`,
    "Stop it, or choose another folder with --data.",
  );
}

/**
 * Writes a copy of what an engine keeps in a folder, where no engine runs with it.
 *
 * @throws {CliError} where there is nothing, or no copy can be made
 */
export async function backupClosed(dataFolder: string, target: string, overwrite: boolean): Promise<void> {
  const engine = openEngine(join(dataFolder, FILE), LEASE_SECONDS);
  try {
    await engine.backup(target, { overwrite });
  } catch (error) {
    if (isLocalEngineError(error) || error instanceof TypeError) throw new CliError(EXIT.failed, error.message);
    throw error;
  } finally {
    await engine.close();
  }
}

function openEngine(file: string, leaseSeconds: number, auth?: TokenOptions): LocalEngine {
  try {
    return createLocalEngine({ file, leaseSeconds, ...(auth && { auth }) });
  } catch (error) {
    if (!isLocalEngineError(error)) throw error;
    throw new CliError(
      EXIT.failed,
      `the engine cannot be started: ${error.message}`,
      "Choose another folder with --data, or --memory.",
    );
  }
}

async function listen(
  engine: LocalEngine,
  port: number | undefined,
  { host, option, ...site }: { readonly host: string; readonly option: string; readonly site?: Site },
): Promise<string> {
  try {
    return (await engine.listen({ host, port: port ?? ENGINE_PORT, ...site })).url;
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
    if (port === undefined && isTaken) return (await engine.listen({ host, port: 0, ...site })).url;
    throw cannotListen(error, host, port ?? ENGINE_PORT, option);
  }
}
