import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLocalEngine } from "@durable-workflow/local-engine";
import { describe, expect, it, onTestFinished } from "vitest";
import { begin, folderOf, run } from "./support/cli.js";

const GATE = {
  type: "headers",
  headers: { authorization: { env: "GATE", prefix: "Bearer " }, "x-key": { file: "key" } },
};

/** An engine, and a carrier that wants a token which the config alone does not give. */
async function world(): Promise<{ readonly cwd: string; readonly env: Record<string, string> }> {
  const engine = createLocalEngine({ file: ":memory:" });
  onTestFinished(() => engine.close());
  const { url } = await engine.listen();
  const cwd = folderOf({ "a.mjs": "export const greet = (name) => `Hello, ${name}`;", key: "key-s3cret\n" });
  const serve = begin(["serve", "a.mjs", "--port", "0", "--json"], { cwd, env: { DW_CARRIER_TOKEN: "s3cret-token" } });
  const [, carrier = ""] = await serve.until(/"url":"([^"]+)"/);
  const config = {
    schema: "durable-workflow.external-executor.config",
    version: 1,
    defaults: { task_queue: "lamps", auth_ref: "wall" },
    auth_refs: { wall: { type: "env", env: "NEVER_SET" } },
    carriers: { web: { type: "invocable_http", url: carrier } },
    mappings: [{ name: "greet", kind: "activity", activity_type: "greet", carrier: "web", handler: "greet" }],
  };
  writeFileSync(join(cwd, "executor.json"), JSON.stringify(config));
  writeFileSync(join(cwd, "authorizers.json"), JSON.stringify({ wall: GATE }));
  return { cwd, env: { GATE: "s3cret-token", DURABLE_WORKFLOW_SERVER_URL: url } };
}

describe("--authorizers FILE", () => {
  it("gets tasks past what stands before a carrier, and doctor, too", async () => {
    const { cwd, env } = await world();
    const files = ["--config", "executor.json", "--authorizers", "authorizers.json"];
    const service = begin(["dispatch", ...files], { cwd, env });
    await service.until(/^engine /m);
    const greeted = await run(["start", "greet", '["Ada"]', "--queue", "lamps"], { cwd, env });
    expect([greeted.code, greeted.stdout]).toEqual([0, expect.stringMatching(/result {5}"Hello, Ada"\n$/)]);
    // Of the file as it is by now: a broken one is refused, and tasks go on.
    writeFileSync(join(cwd, "authorizers.json"), JSON.stringify({ wall: { ...GATE, heders: "s3cret" } }));
    process.kill(service.pid, "SIGHUP");
    await service.until(/wall\.heders is no known field/);
    const again = await run(["start", "greet", '["Bo"]', "--queue", "lamps"], { cwd, env });
    expect(again.stdout).toContain('"Hello, Bo"');
    writeFileSync(join(cwd, "authorizers.json"), JSON.stringify({ wall: GATE }));
    const { stdout, stderr } = await service.stop();
    const doctor = await run(["doctor", ...files], { cwd, env });
    expect(doctor.stdout).toMatch(/carrier\.web .*answers as a carrier/);
    const without = await run(["doctor", ...files], { cwd, env: { ...env, GATE: "" } });
    expect(without.stdout).toContain(
      "the authorizer wall failed: headers.authorization: the environment variable GATE is not set",
    );
    expect(stdout + stderr + doctor.stdout + doctor.stderr + without.stdout).not.toContain("s3cret");
  });

  it.each([
    ["dispatch", { wall: { ...GATE, heders: {} } }, "wall.heders is no known field"],
    ["doctor", { wall: { type: "headers", headers: { a: "s3cret" } } }, "wall.headers.a must be {"],
  ])(
    "that %s cannot use is an end with 78 that names the field",
    async (command, file, message) => {
      const cwd = folderOf({ "authorizers.json": JSON.stringify(file) });
      const args = [command, "--config", "executor.json", "--authorizers", "authorizers.json"];
      const { code, stderr } = await run(args, { cwd });
      expect(code).toBe(78);
      expect(stderr).toContain(message);
      expect(stderr).not.toContain("s3cret");
    },
    20_000,
  );
});
