import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { expect, it } from "vitest";
import { Responses } from "./responses.js";

/** An answer whose bytes are with the system once the test says so. */
class SlowResponse extends EventEmitter {
  sent: Buffer = Buffer.alloc(0);
  readonly socket = { destroyed: false };

  writeHead(): void {}

  end(bytes: Uint8Array): void {
    this.sent = bytes as Buffer;
  }
}

it("the memory of a large answer is used again once it is sent, and not before, or after its connection broke", () => {
  const responses = new Responses({});
  const request = { headers: {}, method: "GET" } as IncomingMessage;
  const send = (letter: string): SlowResponse => {
    const response = new SlowResponse();
    const blob = letter.repeat(100_000);
    responses.send(request, response as unknown as ServerResponse, "control", { status: 200, body: { blob }, blob });
    return response;
  };
  const isWhole = (response: SlowResponse, letter: string): boolean =>
    response.sent.toString() === JSON.stringify({ blob: letter.repeat(100_000) });
  const first = send("a");
  const second = send("b");
  expect(isWhole(first, "a") && isWhole(second, "b")).toBe(true);
  first.socket.destroyed = true;
  first.emit("finish");
  second.emit("finish");
  const third = send("c");
  const fourth = send("d");
  expect(third.sent.buffer === second.sent.buffer).toBe(true);
  expect(isWhole(first, "a") && isWhole(third, "c") && isWhole(fourth, "d")).toBe(true);
});
