// The local engine in a process of its own. Arguments: the database file, the port, the seconds of a lease.
import { createLocalEngine } from "@durable-workflow/local-engine";
import { THRESHOLD_BYTES } from "./settings.js";

const [file = "", port = "0", leaseSeconds = ""] = process.argv.slice(2);
const log =
  (level: string) =>
  (fields: object, message: string): void =>
    void process.stdout.write(`${JSON.stringify({ level, ...fields, message })}\n`);
const engine = createLocalEngine({
  file,
  leaseSeconds: Number(leaseSeconds),
  payloads: { thresholdBytes: THRESHOLD_BYTES, namespaceBytes: 2 ** 45, namespaceObjects: 10_000_000 },
  logger: { info: () => undefined, warn: log("warn"), error: log("error") },
});
await engine.listen({ port: Number(port) });
process.on("SIGTERM", () => {
  void engine.close().then(() => process.exit(0));
});
