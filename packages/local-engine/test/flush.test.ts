import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ENGINE_PROCESS } from "@durable-workflow/test-support/child-engine";
import { Client } from "@durable-workflow/test-support/engine-client";
import { expect, it } from "vitest";
import { temporaryFolder } from "./support/engine.js";

const STARTS = 20;

/** Power cannot be cut here, but it can be seen that an answer is not sent before the disk was told to keep it. */
if (spawnSync("strace", ["-o", "/dev/null", "true"]).status !== 0) {
  it.skip("whether answers follow a flush to disk cannot be seen here: strace is missing, or may not trace", () =>
    undefined);
} else {
  it("every answer to a start, a poll and a report follows a flush to disk", async () => {
    const folder = temporaryFolder();
    const trace = join(folder, "trace");
    const calls = "trace=fsync,fdatasync,write,writev,sendto,sendmsg";
    const options = JSON.stringify({ file: join(folder, "engine.db") });
    const child = spawn(
      "strace",
      ["-f", "-e", calls, "-s", "24", "-o", trace, process.execPath, ENGINE_PROCESS, options],
      {
        stdio: ["pipe", "pipe", "ignore"],
      },
    );
    const exited = once(child, "exit");
    const [port] = (await once(child.stdout, "data")) as [Buffer];
    const client = new Client(`http://127.0.0.1:${Number(port.toString())}`);
    await client.register("w", "q", ["t"]);
    for (let n = 0; n < STARTS; n++) {
      await client.started("t", "q");
      const held = await client.take("w", "q");
      await client.report("heartbeat", held!);
      await client.report("complete", held!);
    }
    child.stdin.end();
    await exited;

    let flushes = 0;
    let answers = 0;
    for (const line of readFileSync(trace, "utf8").split("\n")) {
      if (/\b(?:fsync|fdatasync)\(/.test(line)) flushes++;
      if (!/HTTP\/1\.1 20[01]/.test(line)) continue;
      answers++;
      expect(flushes, `before answer ${answers}`).toBeGreaterThanOrEqual(1);
      flushes = 0;
    }
    expect(answers).toBe(1 + 4 * STARTS);
  });
}
