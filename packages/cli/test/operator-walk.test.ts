import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createDispatcher } from "@durable-workflow/dispatcher";
import { createMetrics } from "@durable-workflow/dispatcher/metrics";
import { parseExecutorConfig } from "@durable-workflow/engine-protocol/executor-config";
import { freePort } from "@durable-workflow/test-support/loopback";
import { describe, expect, it } from "vitest";
import { parseAllDocuments, parse as parseYaml } from "yaml";
import { begin, folderOf, Running, root, run } from "./support/cli.js";

/** An operator's way from nothing to a dispatcher that is watched: docs/operate/alerts.md and docs/operate/kubernetes.md. */
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const RULES = read("deploy/observability/alerts.yaml");
const installed = spawnSync("prometheus", ["--version"]).status === 0;
const MISSING = "the operator's walk: prometheus is not installed (scripts/install-test-servers.sh does it)";

interface Rule {
  readonly alert: string;
  readonly expr: string;
}

const rules = (parseYaml(RULES) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);

/** The metrics that a dispatcher has, each with its labels. */
function offered(): Map<string, readonly string[]> {
  const registry = createMetrics(createDispatcher({ connection: { serverUrl: "http://127.0.0.1:9" }, config: CONFIG }));
  const metrics = registry.getMetricsAsArray() as unknown as { name: string; labelNames?: string[] }[];
  return new Map(metrics.map(({ name, labelNames = [] }) => [name, labelNames]));
}

const CONFIG = {
  schema: "durable-workflow.external-executor.config",
  version: 1,
  defaults: { task_queue: "lamps" },
  carriers: { web: { type: "invocable_http", url: "http://127.0.0.1:9/" } },
  mappings: [{ name: "greet", kind: "activity", activity_type: "greet", carrier: "web", handler: "greet" }],
};

describe("what is given to operators", () => {
  const queries = [
    ...rules.map(({ alert, expr }) => [alert, expr] as const),
    ...[...read("deploy/observability/dashboard.json").matchAll(/"expr": "((?:[^"\\]|\\.)*)"/g)].map(
      ([, expr = ""], index) => [`query ${index} of the dashboard`, JSON.parse(`"${expr}"`) as string] as const,
    ),
  ];

  it("is much", () => {
    expect(rules.length).toBeGreaterThan(5);
    expect(queries.length).toBeGreaterThan(20);
  });

  it.each(queries)("%s asks for metrics and labels that a dispatcher has", (_, expr) => {
    const known = offered();
    const names = [...expr.matchAll(/\bdw_\w+/g)].map(([name]) => name.replace(/_(?:bucket|sum|count)$/, ""));
    expect(names.length).toBeGreaterThan(0);
    const labels = new Set(["job", "le", ...names.flatMap((name) => known.get(name) ?? [])]);
    for (const name of names) expect([...known.keys()]).toContain(name);
    for (const [, list = ""] of expr.matchAll(/\bby \(([^)]*)\)/g))
      for (const label of list.split(",")) expect([...labels]).toContain(label.trim());
    for (const [, label = ""] of expr.matchAll(/[{,]\s*(\w+)\s*=~?/g)) expect([...labels]).toContain(label);
  });

  it("tells on its page what each alert means", () => {
    for (const { alert } of rules) expect(read("docs/operate/alerts.md")).toContain(`| \`${alert}\``);
  });

  it.each(["kubernetes/dispatcher.yaml", "kubernetes/carrier.yaml", "compose/compose.yaml"])("%s is YAML", (file) => {
    const documents = parseAllDocuments(read(`deploy/${file}`));
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
    expect(documents.length).toBeGreaterThan(0);
  });

  it("has executor configs that a dispatcher takes", () => {
    const [map] = parseAllDocuments(read("deploy/kubernetes/dispatcher.yaml"));
    const inCluster = (map?.toJS() as { data: Record<string, string> } | undefined)?.data["executor.json"] ?? "";
    for (const text of [inCluster, read("deploy/compose/executor.json")])
      expect(parseExecutorConfig(JSON.parse(text) as unknown)).toBeDefined();
  });

  it("has options that the command knows", async () => {
    const files = readdirSync(join(root, "deploy"), { recursive: true, encoding: "utf8" });
    const text = files
      .filter((file) => /\.(?:yaml|Dockerfile)$/.test(file))
      .map((file) => read(`deploy/${file}`))
      .join("\n");
    const lines = [...text.matchAll(/\["?dw-carrier"?, "?(\w+)"?,([^\]]*)\]/g)];
    expect(lines.length).toBeGreaterThan(0);
    for (const [, command = "", rest = ""] of lines) {
      const help = await run([command, "--help"]);
      for (const [option] of rest.matchAll(/--[a-z-]+/g)) expect(help.stdout, command).toContain(option);
    }
  });
});

describe.skipIf(!installed)(installed ? "the operator's walk" : MISSING, () => {
  it("goes from nothing to a dispatcher with metrics, and an alert that fires when its carrier dies", async () => {
    const cwd = folderOf({ "activities.mjs": "export const greet = (name) => `Hello, ${name}`;" });
    const engine = begin(["dev", "activities.mjs", "--port", "0", "--json"], { cwd });
    const [, server = ""] = await engine.until(/"engineUrl":"([^"]+)"/);
    // The carrier is another process than dev's, on a queue of its own.
    const serve = begin(["serve", "activities.mjs", "--port", "0", "--json"], { cwd });
    const [, url = ""] = await serve.until(/"url":"([^"]+)"/);
    writeFileSync(
      join(cwd, "executor.json"),
      JSON.stringify({ ...CONFIG, carriers: { web: { type: "invocable_http", url } } }),
    );
    const env = { DURABLE_WORKFLOW_SERVER_URL: server };
    const dispatch = begin(["dispatch", "--config", "executor.json", "--health-port", "0"], { cwd, env });
    const [, ready = ""] = await dispatch.until(/^health {2}(\S+)$/m);

    // The rules as they are given, but for their patience.
    writeFileSync(join(cwd, "alerts.yaml"), RULES.replace(/^( +for:) \S+$/gm, "$1 0s"));
    writeFileSync(
      join(cwd, "prometheus.yml"),
      [
        "global: { scrape_interval: 200ms, evaluation_interval: 200ms }",
        "rule_files: [alerts.yaml]",
        "scrape_configs:",
        `  - { job_name: dispatcher, static_configs: [{ targets: ["${new URL(ready).host}"] }] }`,
        "",
      ].join("\n"),
    );
    const checked = spawnSync("promtool", ["check", "config", "prometheus.yml"], { cwd, encoding: "utf8" });
    expect(checked.stdout + checked.stderr).toMatch(/SUCCESS: \d+ rules found/);
    const listen = `127.0.0.1:${await freePort()}`;
    const prometheus = new Running(
      "prometheus",
      ["--config.file=prometheus.yml", "--storage.tsdb.path=data", `--web.listen-address=${listen}`],
      { cwd },
    );
    await prometheus.until(/Server is ready to receive web requests/);
    const firing = async (): Promise<readonly string[]> => {
      const answer = (await (await fetch(`http://${listen}/api/v1/alerts`)).json()) as {
        data: { alerts: { state: string; labels: { alertname: string } }[] };
      };
      return answer.data.alerts.filter(({ state }) => state === "firing").map(({ labels }) => labels.alertname);
    };
    const start = (...more: string[]) => run(["start", "greet", '["Ada"]', "--queue", "lamps", ...more], { cwd, env });

    expect((await start()).stdout).toMatch(/result {5}"Hello, Ada"\n$/);
    const query = `http://${listen}/api/v1/query?query=${encodeURIComponent('dw_dispatcher_tasks_total{end="completed"}')}`;
    await expect.poll(async () => await (await fetch(query)).text()).toContain('"web"');
    expect(await firing()).toEqual([]);

    await serve.stop("SIGKILL");
    for (let count = 0; count < 6; count++) await start("--detach", "--max-attempts", "2");
    await expect.poll(firing).toContain("CarrierDown");
    await prometheus.stop("SIGKILL");
    await dispatch.stop("SIGKILL");
    await engine.stop("SIGKILL");
  });
});
