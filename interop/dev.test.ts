import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { describeUnless, whyNoPython } from "./support/peers.js";
import { PythonClient } from "./support/python-client.js";

const COMMAND = fileURLToPath(new URL("../packages/cli/dist/bin.js", import.meta.url));
const MB = 1_000_000;

/** In TypeScript, as a user writes it. */
const ACTIVITIES = `
export function twice(value: Uint8Array): Uint8Array {
  const doubled = new Uint8Array(2 * value.length);
  doubled.set(value);
  doubled.set(value, value.length);
  return doubled;
}
`;

describeUnless(whyNoPython("2.12.0"), "a stock Python client at a fresh `dw-carrier dev`", () => {
  it("starts an activity with 3 MB, and reads the 6 MB that it returns, with no option for payloads anywhere", async () => {
    const cwd = mkdtempSync(join(tmpdir(), "interop-dev-"));
    writeFileSync(join(cwd, "activities.ts"), ACTIVITIES);
    // A port of its own: others may be at work on this machine.
    const dev = spawn(process.execPath, [COMMAND, "dev", "activities.ts", "--engine-port", "0", "--json"], { cwd });
    let errors = "";
    dev.stderr.on("data", (text: Buffer) => (errors += text.toString()));
    const exited = once(dev, "exit");
    try {
      const told = new Promise<{ readonly engineUrl: string; readonly queue?: string }>((resolve, reject) => {
        void exited.then(([code]) => reject(new Error(`dev ended with ${String(code)}: ${errors}`)));
        createInterface({ input: dev.stdout }).on("line", (line) => {
          const event = JSON.parse(line) as { readonly engineUrl?: string };
          if (event.engineUrl !== undefined) resolve({ ...event, engineUrl: event.engineUrl });
        });
      });
      const { engineUrl } = await told;
      const client = new PythonClient("2.12.0", engineUrl);
      expect(await client.roundtrip([3 * MB], { activity_type: "twice", task_queue: "default" })).toMatchObject({
        doubled: [true],
        size: 6 * MB,
      });
      await client.stop();
    } finally {
      dev.kill("SIGTERM");
      await exited;
      rmSync(cwd, { recursive: true, force: true });
    }
  });
});
