// Child of payloads.mjs: sends a body to the bare server, and parses what comes back.
import { Pool } from "undici";
import { blobOf } from "./client.mjs";

const pool = new Pool(process.argv[2], { connections: 16 });

async function run({ bytes, tasks, atOnce }) {
  const document = { codec: "avro", blob: blobOf(bytes) };
  let left = tasks;
  const sendNext = async () => {
    while (left-- > 0) {
      const response = await pool.request({ method: "POST", path: "/", body: JSON.stringify(document) });
      const answer = JSON.parse(await response.body.text());
      if (answer.blob.length !== document.blob.length) throw new Error("another body came back");
    }
  };
  await Promise.all(Array.from({ length: atOnce }, sendNext));
}

async function reply(/** @type {any} */ asked) {
  if (asked !== "usage") await run(asked);
  const { user, system } = process.cpuUsage();
  process.send({ cpuMs: (user + system) / 1000 });
}

process.on("message", (asked) => void reply(asked));
process.on("SIGTERM", () => process.exit());
process.send({});
