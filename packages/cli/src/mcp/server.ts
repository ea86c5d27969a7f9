import type { Readable, Writable } from "node:stream";
import { CliError, EXIT } from "../shell/command.js";
import { stopped } from "../shell/stopped.js";
import { TOOLS, type ToolMeans } from "./tools.js";

const PACKAGE = "@modelcontextprotocol/sdk";

export interface McpOptions {
  readonly means: ToolMeans;
  /** Only the tools that change nothing. */
  readonly isReadOnly: boolean;
  readonly version: string;
  readonly input: Readable;
  readonly output: Writable;
  /** Ends it, as the end of the input does. */
  readonly signal: AbortSignal;
  /** Makes an error's text fit to be shown. */
  readonly shown: (error: unknown) => string;
}

/**
 * Serves the tools over a pair of streams until the input ends, or the signal comes.
 *
 * @throws {CliError} when the library of the protocol is not installed
 */
export async function serveMcp(options: McpOptions): Promise<void> {
  const { means, isReadOnly, version, input, output, signal, shown } = options;
  const { Server, StdioServerTransport, CallToolRequestSchema, ListToolsRequestSchema } = await library();
  const tools = TOOLS.filter((tool) => tool.isReadOnly || !isReadOnly);
  const server = new Server({ name: "durable-workflow", version }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: tools.map(({ name, description, inputSchema, isReadOnly: readOnlyHint }) => ({
      name,
      description,
      inputSchema: { ...inputSchema, required: [...(inputSchema.required ?? [])] },
      annotations: { readOnlyHint, openWorldHint: false },
    })),
  }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
    const tool = tools.find(({ name }) => name === params.name);
    try {
      if (tool === undefined) throw new Error(`there is no tool ${params.name}`);
      const missing = tool.inputSchema.required?.find((name) => params.arguments?.[name] === undefined);
      if (missing !== undefined) throw new Error(`${missing} must be given`);
      const document = await tool.run(params.arguments ?? {}, means);
      return { content: [{ type: "text" as const, text: JSON.stringify(document) }] };
    } catch (error) {
      return { content: [{ type: "text" as const, text: shown(error) }], isError: true };
    }
  });
  const ended = new Promise<void>((resolve) => {
    input.once("end", resolve);
    input.once("close", resolve);
    // The library has no other way to be told.
    Object.assign(server, { onclose: resolve });
    void stopped(signal).then(resolve);
  });
  await server.connect(new StdioServerTransport(input, output));
  await ended;
  await server.close();
}

/** What is used of the library. Its own types bring those of browsers along, for every file of a program. */
interface Library {
  readonly Server: new (
    info: { readonly name: string; readonly version: string },
    options: { readonly capabilities: object },
  ) => McpServer;
  readonly StdioServerTransport: new (input: Readable, output: Writable) => object;
  readonly ListToolsRequestSchema: object;
  readonly CallToolRequestSchema: object;
}

interface McpServer {
  setRequestHandler(schema: object, handler: (request: McpRequest) => object | Promise<object>): void;
  connect(transport: object): Promise<void>;
  close(): Promise<void>;
}

interface McpRequest {
  readonly params: { readonly name: string; readonly arguments?: Readonly<Record<string, unknown>> };
}

/** An optional package: whoever serves no tools need not have it. */
async function library(): Promise<Library> {
  try {
    const parts = ["server/index.js", "server/stdio.js", "types.js"].map(
      (part) => import(`${PACKAGE}/${part}`) as Promise<object>,
    );
    return Object.assign({}, ...(await Promise.all(parts))) as Library;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new CliError(EXIT.config, `${PACKAGE} is not installed: dw-carrier mcp needs it`, `npm install ${PACKAGE}`);
  }
}
