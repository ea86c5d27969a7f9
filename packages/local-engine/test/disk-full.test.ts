import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Answer, Client } from "@durable-workflow/test-support/engine-client";
import { describe, expect, it } from "vitest";
import { createLocalEngine } from "../src/index.js";
import { arrived, cleanUp, openEngine, temporaryFolder } from "./support/engine.js";

const DIST = fileURLToPath(new URL("../dist/index.js", import.meta.url));
const OPEN_AND_CLOSE =
  "import(process.argv[1]).then(({ createLocalEngine }) => createLocalEngine({ file: process.argv[2] }).close())";

/** A file system of 2 MB, where this process may mount one. */
function smallDisk(): string | undefined {
  const folder = join(temporaryFolder(), "disk");
  mkdirSync(folder);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]);
  if (mounted.status !== 0) return undefined;
  cleanUp(() => spawnSync("umount", ["--lazy", folder]));
  return folder;
}

function canMount(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  const probe = spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
  return probe.status === 0;
}

/** Starts activities until the engine refuses, and returns the ids that it took. */
async function fill(
  client: Client,
): Promise<{ readonly taken: readonly string[]; readonly refusal: Awaited<ReturnType<Client["start"]>> }> {
  const taken: string[] = [];
  for (let n = 0; n < 500; n++) {
    const id = `filler-${n}`;
    const answer = await client.start("t", "q", { activity_id: id, input: ["x".repeat(40_000)] });
    if (answer.status !== 201) return { taken, refusal: answer };
    taken.push(id);
  }
  throw new Error("the disk never filled up");
}

/** Takes what is left of a disk. */
function fillUp(file: string): void {
  try {
    for (;;) appendFileSync(file, Buffer.alloc(4096));
  } catch {
    // Now it is full.
  }
}

/** What was refused has left room at the end of the log, for smaller things: takes that, too. */
async function useUpTheLog(client: Client): Promise<void> {
  for (let n = 0; n < 500; n++) {
    const { status } = await client.call("POST", "/api/worker/heartbeat", { worker_id: "w" });
    if (status === 503) return;
  }
  throw new Error("the log takes everything");
}

if (!canMount()) {
  it.skip("a full disk cannot be made here: mounting a small file system needs root on Linux", () => undefined);
} else {
  describe("a full disk", () => {
    it("is answered 503, with nothing half done, and work goes on once there is room", async () => {
      const folder = smallDisk();
      if (folder === undefined) throw new Error("mount failed after it had succeeded");
      const file = join(folder, "engine.db");
      const { client } = await openEngine({ file, longPollSeconds: 0, retentionSeconds: 0 });
      const { body: registered } = await client.call("POST", "/api/worker/register", {
        worker_id: "w",
        task_queue: "q",
        runtime: "typescript",
        supported_activity_types: ["small"],
      });
      const token: string = registered.registration_token;
      await client.started("small", "q", { activity_id: "before" });
      const { taken, refusal } = await fill(client);
      const said = { reason: "storage_pressure", storage_state: "fenced", retryable: true, request_admitted: false };
      expect(refusal).toMatchObject({ status: 503, body: { ...said, retry_after_seconds: 5 } });

      // Nothing of what was refused is there, all of what was taken is.
      expect((await client.call("GET", `/api/activities/filler-${taken.length}`)).status).toBe(404);
      for (const id of taken) expect(await client.describe(id)).toMatchObject({ status: "running" });
      const { body: page } = await client.call("GET", "/api/activities?page_size=200");
      expect(page.activity_count).toBe(taken.length + 1);

      // Requests at the same time are each taken or refused as a whole.
      const many = await Promise.all(
        Array.from({ length: 30 }, (_, n) =>
          client.start("t", "q", { activity_id: `many-${n}`, input: n % 2 === 0 ? ["x".repeat(60_000)] : [n] }),
        ),
      );
      for (const [n, { status }] of many.entries()) {
        expect([201, 503]).toContain(status);
        expect((await client.call("GET", `/api/activities/many-${n}`)).status).toBe(status === 201 ? 200 : 404);
      }
      expect(many[0]?.status).toBe(503);

      // A poll that cannot be recorded gives nothing out; the task is still there.
      const ballast = join(folder, "ballast");
      fillUp(ballast);
      await useUpTheLog(client);
      expect(await client.poll("w", "q", { poll_request_id: "p" })).toMatchObject({
        status: 503,
        body: {
          ...said,
          task: null,
          poll_status: "storage_pressure",
          poll_request_id: "p",
          retry_same_poll_request_id: true,
          claim_admitted: false,
        },
      });
      expect(await client.describe("before")).toMatchObject({ activity_status: "pending", attempt_count: 0 });

      // A worker that takes its registration back is told to ask again.
      const deregister = (): Promise<Answer> =>
        client.call("POST", "/api/worker/registrations/w/deregister", { registration_token: token });
      expect(await deregister()).toMatchObject({
        status: 503,
        body: {
          reason: "backend_unavailable",
          operation: "deregister_worker",
          outcome: "unknown",
          worker_id: "w",
          registration_token: token,
          retryable: true,
          retry_after_seconds: 1,
        },
      });

      // Who asks whether it can be used is told so, and why.
      const { status, body } = await client.call("GET", "/api/ready");
      expect([status, body.status, body.reason]).toEqual([503, "not_ready", "storage_unavailable"]);
      expect(body.checks.database).toEqual({ status: "error" });
      expect((await client.call("GET", "/api/health")).status).toBe(200);

      rmSync(ballast);
      spawnSync("mount", ["-o", "remount,size=16m", folder]);
      await client.started("small", "q", { activity_id: "after" });
      expect((await client.call("GET", "/api/ready")).status).toBe(200);
      expect((await client.take("w", "q"))?.task.workflow_id).toBe("before");
      expect((await deregister()).status).toBe(200);
    });

    it("does not keep the engine from being closed, nor loses what was acknowledged, nor stays locked", async () => {
      const folder = smallDisk();
      if (folder === undefined) throw new Error("mount failed after it had succeeded");
      const file = join(folder, "engine.db");
      const engine = createLocalEngine({ file, longPollSeconds: 0 });
      const first = { engine, client: new Client((await engine.listen()).url) };
      const { taken } = await fill(first.client);
      const ballast = join(folder, "ballast");
      fillUp(ballast);
      await expect(first.engine.backup(join(folder, "copy.db"))).rejects.toMatchObject({ code: "disk_full" });
      expect(existsSync(join(folder, "copy.db"))).toBe(false);
      await expect(first.engine.close()).rejects.toMatchObject({
        name: "LocalEngineError",
        code: "disk_full",
        message: expect.stringContaining("engine.db is closed, but its disk is full"),
      });

      // Neither this process nor another is kept out once there is room.
      rmSync(ballast);
      spawnSync("mount", ["-o", "remount,size=16m", folder]);
      const other = spawnSync(process.execPath, ["-e", OPEN_AND_CLOSE, DIST, file], { encoding: "utf8" });
      expect(other.stderr).toBe("");
      const again = await openEngine({ file, longPollSeconds: 0 });
      for (const id of taken) expect(await again.client.describe(id)).toMatchObject({ status: "running" });
    });

    it("is said when an engine is to be opened on it, and the file is let go", async () => {
      const folder = smallDisk();
      if (folder === undefined) throw new Error("mount failed after it had succeeded");
      const file = join(folder, "engine.db");
      const ballast = join(folder, "ballast");
      fillUp(ballast);
      const opened = (): unknown => {
        try {
          return createLocalEngine({ file });
        } catch (error) {
          return error;
        }
      };
      expect(opened()).toMatchObject({ code: "disk_full", message: expect.stringContaining("make room") });
      rmSync(ballast);
      await arrived();
      await (await openEngine({ file })).engine.close();
    });
  });
}
