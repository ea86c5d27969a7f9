import type { Inspector, InspectorOptions } from "@durable-workflow/inspector";
import type { EngineConnection } from "../engine/connection.js";
import { recognise } from "../inspect/recognise.js";
import { renderInspection } from "../inspect/render.js";
import { HttpClient } from "../net/http-client.js";
import { parseJsonArguments } from "../options/json-arguments.js";
import type { CliIo, Palette } from "../shell/command.js";
import { engineTransport } from "./engine-transport.js";

export type PageOptions = Pick<
  InspectorOptions,
  "servedBy" | "carriers" | "commandOptions" | "isReadOnly" | "password"
>;

/** The page of an engine. Loaded late: commands that show no page need not wait for it. */
export async function pageOf(
  connection: Pick<EngineConnection, "url" | "token" | "namespace" | "tlsVerify">,
  io: Pick<CliIo, "env">,
  options: PageOptions,
): Promise<Inspector> {
  const { createInspector } = await import("@durable-workflow/inspector");
  return createInspector({
    ...options,
    transport: engineTransport(connection, new HttpClient(io)),
    engineUrl: connection.url,
    namespace: connection.namespace,
    parseArguments: parseJsonArguments,
    explain,
  });
}

/** What a document is, in lines of text without colours; null for none of the contract. */
export function explain(document: unknown): string | null {
  const found = recognise(document, { now: Date.now(), overlay: undefined, policy: undefined });
  return found === undefined ? null : renderInspection(found, PLAIN);
}

const plain = (text: string): string => text;
const PLAIN: Palette = { bold: plain, dim: plain, green: plain, yellow: plain, red: plain, cyan: plain };
