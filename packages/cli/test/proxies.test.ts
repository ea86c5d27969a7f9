import { createLocalEngine } from "@durable-workflow/local-engine";
import { startForwardProxy } from "@durable-workflow/test-support/forward-proxy";
import { expect, it, onTestFinished } from "vitest";
import { serve } from "./support/carriers.js";
import { folderOf, run } from "./support/cli.js";

it("commands reach what is not on this machine by the proxy that the environment names, and hide its password", async () => {
  // A local engine would not answer under another host's name.
  const url = (await serve((_, response) => response.end(JSON.stringify({ activities: [] })))).replace(/\/$/, "");
  const proxy = await startForwardProxy({ "engine.example:80": url }, "user:pr0xy-s3cret");
  onTestFinished(() => proxy.close());
  const env = { HTTP_PROXY: proxy.url.replace("http://", "http://user:pr0xy-s3cret@") };
  const list = ["list", "--server", "http://engine.example"];
  const { code, stdout } = await run(list, { env });
  expect([code, stdout, proxy.asked]).toEqual([0, "There are none.\n", ["GET http://engine.example/api/activities"]]);

  expect((await run(["list", "--server", url], { env })).code).toBe(0);
  expect((await run(list, { env: { ...env, NO_PROXY: "engine.example" } })).code).toBe(69);
  expect(proxy.asked).toHaveLength(1);

  const refused = await run(list, { env: { HTTP_PROXY: proxy.url.replace("http://", "http://user:wr0ng-s3cret@") } });
  expect(refused.code).toBe(69);
  expect(refused.stdout + refused.stderr).not.toContain("s3cret");
  expect(await run(list, { env: { HTTP_PROXY: "ftp://x" } })).toMatchObject({
    code: 78,
    stderr: expect.stringContaining("HTTP_PROXY must be") as string,
  });
});

it("a token with a line end around it is trimmed everywhere; one with a line end within it is refused everywhere", async () => {
  const engine = createLocalEngine({ file: ":memory:", auth: { adminToken: "s3cret-token" } });
  onTestFinished(() => engine.close());
  const { url } = await engine.listen();
  const cwd = folderOf({
    "executor.json": JSON.stringify({
      schema: "durable-workflow.external-executor.config",
      version: 1,
      auth_refs: { carrier: { type: "env", env: "TOKEN" } },
      carriers: { web: { type: "invocable_http", url: "http://127.0.0.1:1/" } },
      mappings: [
        {
          name: "m",
          kind: "activity",
          task_queue: "q",
          activity_type: "t",
          carrier: "web",
          handler: "h",
          auth_ref: "carrier",
        },
      ],
    }),
  });
  const lines = [
    [`list --server ${url} --token-env TOKEN`, 0, 78],
    ["check --config executor.json", 0, 1],
    ["invoke http://127.0.0.1:1/ greet --token-env TOKEN", 69, 78],
  ] as const;
  for (const [line, trimmed, refused] of lines) {
    const around = await run(line.split(" "), { cwd, env: { TOKEN: "s3cret-token\n" } });
    expect([line, around.code]).toEqual([line, trimmed]);
    const within = await run(line.split(" "), { cwd, env: { TOKEN: "s3cret\ntoken" } });
    expect([line, within.code]).toEqual([line, refused]);
    expect(within.stdout + within.stderr).toMatch(/characters that no token has/);
    expect(within.stdout + within.stderr).not.toContain("s3cret");
  }
});
