// Payloads by reference, from the local driver: what a warm cache costs over the same payload inline, and the memory that
// fetching a large one takes, in a process of its own.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InvocableActivityHandler } from "@durable-workflow/carrier";
import { decodePayload, payloadEnvelope } from "@durable-workflow/carrier/payload";
import { LocalFilesystemExternalStorage } from "@durable-workflow/carrier/storage/local";
import { externalStorage, inlinePayload, offloadPayload } from "../packages/carrier/dist/storage/external-storage.js";
import { compare } from "./lib.mjs";
import { smallTask } from "./task.mjs";

const MIB = 1024 * 1024;
const LARGE = 64 * MIB;

/** Values whose blobs are about 1 MiB long. */
const VALUES = {
  text: ["x".repeat((MIB / 4) * 3)],
  records: [
    Array.from({ length: 12_000 }, (_, id) => ({ id, name: `customer ${id}`, open: id % 2 === 0, due: id / 4 })),
  ],
};

export async function storageBenchmarks() {
  const root = mkdtempSync(join(tmpdir(), "carrier-storage-bench-"));
  try {
    const driver = new LocalFilesystemExternalStorage({ root });
    const storage = externalStorage(driver, { thresholdBytes: 0 });
    const cold = externalStorage(driver, { cache: false, thresholdBytes: 0 });
    for (const [name, value] of Object.entries(VALUES)) {
      // As they come out of a request's JSON.
      const inline = JSON.parse(JSON.stringify(payloadEnvelope(value)));
      const stored = JSON.parse(JSON.stringify(await offloadPayload(inline, storage)));
      await compare(
        `reading an argument of ${(inline.blob.length / MIB).toFixed(2)} MiB: ${name}`,
        {
          inline: async () => decodePayload(await inlinePayload(inline, storage)),
          "by reference, warm cache": async () => decodePayload(await inlinePayload(stored, storage)),
          "by reference, no cache": async () => decodePayload(await inlinePayload(stored, cold)),
        },
        { "by reference, warm cache": 1.15 },
      );
    }
    await handling(driver, storage);
    memory(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** A task as it comes out of a request's JSON. */
function taskWith(payload) {
  return JSON.parse(JSON.stringify({ ...smallTask(), payloads: { arguments: payload } }));
}

/** A whole task, whose argument is 1 MiB of text. */
async function handling(driver, storage) {
  const handler = new InvocableActivityHandler(
    { "billing.charge-card": (/** @type {string} */ text) => text.length },
    { externalStorage: externalStorage(driver) },
  );
  const inline = payloadEnvelope(VALUES.text);
  const [inlineTask, storedTask] = [taskWith(inline), taskWith(await offloadPayload(inline, storage))];
  await compare(
    "handling a task with an argument of 1 MiB",
    {
      inline: async () => handler.handle(inlineTask),
      "by reference, warm cache": async () => handler.handle(storedTask),
    },
    { "by reference, warm cache": 1.15 },
  );
}

/** The peak of a process that fetches 64 MiB, over one that fetches nothing. */
function memory(root) {
  const script = fileURLToPath(new URL("storage-memory.mjs", import.meta.url));
  const measure = (...args) => {
    const { stdout, stderr } = spawnSync(process.execPath, [script, root, ...args], { encoding: "utf8" });
    if (stdout === "") throw new Error(stderr);
    return JSON.parse(stdout);
  };
  const { reference } = measure("store", String(LARGE));
  const nothing = measure("nothing").peak;
  console.log(`\nmemory over an idle process, for ${LARGE / MIB} MiB`);
  for (const [name, job] of [
    ["fetched and verified", "fetch"],
    ["fetched, verified and decoded", "decode"],
    ["stored", "store-again"],
  ]) {
    const times = (measure(job, JSON.stringify(reference)).peak - nothing) / LARGE;
    const verdict = job === "fetch" ? `  aim 3.00x: ${times < 3 ? "met" : "MISSED"}` : "";
    console.log(`  ${name.padEnd(34)} ${times.toFixed(2)}x its size${verdict}`);
  }
}
