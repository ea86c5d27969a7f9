import { Agent, request as httpRequest } from "node:http";
import { CONTROL_PLANE_VERSION, CONTROL_PLANE_VERSION_FIELD, NAMESPACE_FIELD } from "@durable-workflow/engine-protocol";
import { type EngineAnswer, type EngineCall, type EngineTransport, EngineUnreachable } from "../../src/index.js";

export interface TransportOptions {
  readonly token?: string;
  readonly namespace?: string;
}

/** Reaches an engine over loopback. */
export function transportTo(url: string, { token, namespace = "default" }: TransportOptions = {}): EngineTransport {
  const agent = new Agent({ keepAlive: false });
  const headers = {
    accept: "application/json",
    [CONTROL_PLANE_VERSION_FIELD]: CONTROL_PLANE_VERSION,
    [NAMESPACE_FIELD]: namespace,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  return {
    request: (call) => send(url, agent, { ...headers, ...call.headers }, call),
    events: ({ path, signal, onData, onEnd }) =>
      new Promise((resolve) => {
        const request = httpRequest(new URL(path, url), { agent, headers, signal }, (response) => {
          if (response.statusCode !== 200) {
            response.destroy();
            resolve(false);
            return;
          }
          let rest = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => {
            const lines = (rest + chunk).split("\n");
            rest = lines.pop() ?? "";
            for (const line of lines) if (line.startsWith("data:")) onData(line.slice(5));
          });
          response.once("error", () => {});
          response.once("close", () => {
            if (!signal.aborted) onEnd();
          });
          resolve(true);
        });
        request.once("error", () => {
          resolve(false);
        });
        request.end();
      }),
  };
}

function send(
  url: string,
  agent: Agent,
  headers: Readonly<Record<string, string>>,
  { method, path, body }: EngineCall,
): Promise<EngineAnswer> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
    const type = body === undefined ? {} : { "content-type": "application/json" };
    const request = httpRequest(
      new URL(path, url),
      { agent, method, headers: { ...type, ...length, ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.once("error", (error) => {
          reject(new EngineUnreachable(error.message));
        });
        response.once("end", () => {
          const answered = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks).toString("utf8"),
            headers: Object.fromEntries(answered) as Record<string, string>,
          });
        });
      },
    );
    request.once("error", (error) => {
      reject(new EngineUnreachable(error.message));
    });
    request.end(body);
  });
}
