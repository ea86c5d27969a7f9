// Child of payloads.mjs: the local engine, in files; by reference from 1 byte on, or everything inline.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalEngine } from "../../packages/local-engine/dist/index.js";

const [how] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "bench-payloads-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
process.on("SIGTERM", () => process.exit());
const most = 64 * 2 ** 20;
const engine = createLocalEngine({
  file: join(folder, "engine.db"),
  maxBodyBytes: 2 * most,
  payloads: { maxPayloadBytes: most, thresholdBytes: how === "inline" ? most : 1024 },
});
const { url } = await engine.listen();
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send({ cpuMs: (user + system) / 1000 });
});
process.send({ url });
