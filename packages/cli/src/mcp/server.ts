import type { Readable, Writable } from "node:stream";
import { CliError, EXIT } from "../shell/command.js";
import { TOOLS, type ToolMeans } from "./tools.js";

const PACKAGE = "@modelcontextprotocol/sdk";

export interface McpOptions {
  readonly means: ToolMeans;
  /** Only the tools that change nothing. */
  readonly isReadOnly: boolean;
  readonly version: string;
  readonly input: Readable;
  readonly output: Writable;
  /** Makes an error's text fit to be shown. */
  readonly shown: (error: unknown) => string;
}

/**
 * Serves the tools over a pair of streams until the input ends.
 *
 * @throws {CliError} when the library of the protocol is not installed
 */
export async function serveMcp(options: McpOptions): Promise<void> {
  const { means, isReadOnly, version, input, output, shown } = options;
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
    server.onclose = resolve;
  });
  await server.connect(new StdioServerTransport(input, output));
  await ended;
  await server.close();
}

/** An optional package: whoever serves no tools need not have it. */
async function library(): Promise<
  typeof import("@modelcontextprotocol/sdk/server/index.js") &
    typeof import("@modelcontextprotocol/sdk/server/stdio.js") &
    typeof import("@modelcontextprotocol/sdk/types.js")
> {
  try {
    return {
      ...(await import("@modelcontextprotocol/sdk/server/index.js")),
      ...(await import("@modelcontextprotocol/sdk/server/stdio.js")),
      ...(await import("@modelcontextprotocol/sdk/types.js")),
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new CliError(EXIT.config, `${PACKAGE} is not installed: dw-carrier mcp needs it`, `npm install ${PACKAGE}`);
  }
}
