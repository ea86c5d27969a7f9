// A client of node:http whose connections stay open: what a caller would use that cares for its own processor time.
import { Agent, request } from "node:http";

export class HttpClient {
  /** @param {string} origin @param {Record<string, string>} [headers] sent with every request */
  constructor(origin, headers = {}) {
    const url = new URL(origin);
    this.host = url.hostname;
    this.port = url.port;
    this.headers = headers;
    this.agent = new Agent({ keepAlive: true, maxSockets: 256 });
  }

  /** @param {string} method @param {string} path @param {unknown} [body] */
  send(method, path, body) {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = { accept: "application/json", ...this.headers };
    if (text !== undefined) {
      headers["content-type"] = "application/json";
      headers["content-length"] = String(Buffer.byteLength(text));
    }
    const { host, port, agent } = this;
    return new Promise((resolve, reject) => {
      const sent = request({ host, port, agent, method, path, headers }, (answer) => {
        const chunks = [];
        answer.on("data", (chunk) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () => {
          const received = Buffer.concat(chunks).toString("utf8");
          if (answer.statusCode >= 400)
            reject(new Error(`${method} ${path}: ${answer.statusCode} ${received.slice(0, 300)}`));
          else resolve(received === "" ? undefined : JSON.parse(received));
        });
      });
      sent.on("error", reject);
      sent.end(text);
    });
  }

  close() {
    this.agent.destroy();
  }
}
