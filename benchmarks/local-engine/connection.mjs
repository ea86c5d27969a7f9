// A client of one keep-alive connection that costs next to nothing, so that the engine is what is measured.

import { connect } from "node:net";
import { PROTOCOL_VERSION, PROTOCOL_VERSION_HEADER } from "@durable-workflow/engine-protocol";

const WORKER = `${PROTOCOL_VERSION_HEADER}: ${PROTOCOL_VERSION}`;
const CONTROL = "X-Durable-Workflow-Control-Plane-Version: 2";

export class Connection {
  #socket;
  #received = "";
  #answered;
  #failed;

  constructor(port) {
    this.#socket = connect(port, "127.0.0.1").setNoDelay(true).setEncoding("latin1");
    this.#socket.on("data", (text) => this.#read(text));
    this.#socket.on("error", (error) => this.#failed?.(error));
    this.#socket.on("close", () => this.#failed?.(new Error("the connection was closed")));
  }

  /** One request at a time. */
  post(path, body) {
    const text = JSON.stringify(body);
    if (this.#socket.destroyed) return Promise.reject(new Error("the connection was closed"));
    const version = path.startsWith("/api/worker/") ? WORKER : CONTROL;
    this.#socket.write(
      `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${version}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
    return new Promise((resolve, reject) => {
      this.#answered = resolve;
      this.#failed = reject;
    });
  }

  close() {
    this.#failed = undefined;
    this.#socket.destroy();
  }

  #read(text) {
    this.#received += text;
    const end = this.#received.indexOf("\r\n\r\n");
    if (end < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(this.#received)?.[1]);
    if (this.#received.length < end + 4 + length) return;
    const status = Number(this.#received.slice(9, 12));
    const body = this.#received.slice(end + 4, end + 4 + length);
    this.#received = this.#received.slice(end + 4 + length);
    this.#answered({ status, body });
  }
}

/** Parses only what a worker needs of a poll's answer: the client must not be slower than the engine. */
export function taskOf({ status, body }) {
  if (status !== 200) throw new Error(`poll: ${status} ${body.slice(0, 200)}`);
  const field = (name) => new RegExp(`"${name}":"([^"]+)"`).exec(body)?.[1];
  const taskId = field("task_id");
  return taskId && { taskId, attemptId: field("activity_attempt_id"), owner: field("lease_owner") };
}
