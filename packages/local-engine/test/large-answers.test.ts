import { connect, type Socket } from "node:net";
import { decodeAvroValue } from "@durable-workflow/carrier/payload";
import { PROTOCOL_VERSION, PROTOCOL_VERSION_HEADER } from "@durable-workflow/engine-protocol";
import { expect, it } from "vitest";
import { cleanUp, openEngine } from "./support/engine.js";

/** More than the buffers of a connection hold, together with what is sent to others meanwhile. */
const LENGTH = 2_900_000;
const LETTERS = ["a", "b", "c", "d", "e", "f", "g", "h"];

/** A poll whose answer is not read before {@link answered}. */
function poll(url: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.pause();
  const body = JSON.stringify({ worker_id: "w", task_queue: "q" });
  socket.write(
    `POST /api/worker/activity-tasks/poll HTTP/1.1\r\nHost: ${hostname}:${port}\r\n${PROTOCOL_VERSION_HEADER}: ${PROTOCOL_VERSION}\r\n` +
      `Content-Type: application/json\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  cleanUp(() => socket.destroy());
  return socket;
}

function answered(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      text += chunk;
    });
    socket.once("end", () => resolve(text.slice(text.indexOf("\r\n\r\n") + 4)));
    socket.once("error", reject);
    socket.resume();
  });
}

it("each large answer holds its own arguments, however slowly it is read, and whoever hangs up", async () => {
  const { url, client } = await openEngine({ maxBodyBytes: 8_388_608 });
  await client.register("w", "q", ["t"]);
  const start = (letter: string) => client.started("t", "q", { activity_id: letter, input: [letter.repeat(LENGTH)] });
  for (const letter of LETTERS) await start(letter);
  const readByPoll = async (socket: Socket): Promise<string> => {
    const { task } = JSON.parse(await answered(socket)) as {
      readonly task: { readonly workflow_id: string; readonly arguments: { readonly blob: string } };
    };
    const [text] = decodeAvroValue(task.arguments.blob) as readonly string[];
    expect(text === task.workflow_id.repeat(LENGTH)).toBe(true);
    return task.workflow_id;
  };
  const slow = Array.from({ length: 4 }, () => poll(url));
  // Leased, and begun to be sent.
  await expect.poll(async () => (await client.call("GET", "/api/activities/d")).body.attempt_count).toBe(1);
  slow.pop()?.destroy();
  const quick: string[] = [];
  for (let n = 0; n < 4; n++) quick.push(await readByPoll(poll(url)));
  const late = await Promise.all(slow.map(readByPoll));
  const told = [...quick, ...late];
  expect(new Set(told).size).toBe(7);
  expect(LETTERS).toEqual(expect.arrayContaining(told));
});
