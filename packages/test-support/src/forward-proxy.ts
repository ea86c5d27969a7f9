import { createServer, type IncomingMessage, request as send } from "node:http";
import { connect } from "node:net";
import { type Loopback, listen } from "./loopback.js";

export interface ForwardProxy extends Loopback {
  /** What it was asked for: `CONNECT host:port` or `POST http://host/path`. */
  readonly asked: string[];
}

/**
 * A real forward proxy: forwards plain http and opens tunnels, to the ports that its table has for `host:port`, and wants a
 * user and a password where it is given some.
 */
export async function startForwardProxy(
  table: Readonly<Record<string, string>>,
  credentials?: string,
): Promise<ForwardProxy> {
  const asked: string[] = [];
  const wanted = credentials === undefined ? undefined : `Basic ${Buffer.from(credentials).toString("base64")}`;
  const admits = (request: IncomingMessage): boolean =>
    wanted === undefined || request.headers["proxy-authorization"] === wanted;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://proxy.invalid");
    asked.push(`${request.method} ${url.origin}${url.pathname}`);
    const target = table[`${url.hostname}:${url.port === "" ? "80" : url.port}`];
    if (!admits(request) || target === undefined) {
      response.writeHead(target === undefined ? 502 : 407).end();
      return;
    }
    const { "proxy-authorization": _, "proxy-connection": __, ...headers } = request.headers;
    const onward = send(new URL(url.pathname + url.search, target), { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  server.on("connect", (request: IncomingMessage, socket) => {
    asked.push(`CONNECT ${request.url}`);
    const target = table[request.url ?? ""];
    socket.on("error", () => undefined);
    if (!admits(request) || target === undefined) {
      socket.end(`HTTP/1.1 ${target === undefined ? "502 Bad Gateway" : "407 Proxy Authentication Required"}\r\n\r\n`);
      return;
    }
    const onward = connect(Number(new URL(target).port), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      onward.pipe(socket);
      socket.pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    socket.on("close", () => onward.destroy());
  });
  return { ...(await listen(server)), asked };
}
