import { PATHS, PROTOCOL_VERSION, PROTOCOL_VERSION_FIELD } from "@durable-workflow/engine-protocol";
import { createLocalEngine } from "@durable-workflow/local-engine";
import { describe, expect, it, onTestFinished } from "vitest";
import { untaken } from "../src/engine/takers.js";
import { begin, jsonLines } from "./support/cli.js";
import { runHere } from "./support/run-here.js";

/** An engine with a worker of the task queue `lamps` that takes `greet` and `wave`, and leases nothing. */
async function engineWithWorker(): Promise<string> {
  const engine = createLocalEngine({ file: ":memory:" });
  onTestFinished(() => engine.close());
  const { url } = await engine.listen();
  const supported = { supported: false, minimum_protocol_version: "1.18", reason: "none" };
  const registered = await fetch(url + PATHS.register, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-namespace": "default",
      [PROTOCOL_VERSION_FIELD]: PROTOCOL_VERSION,
    },
    body: JSON.stringify({
      worker_id: "w",
      task_queue: "lamps",
      runtime: "typescript",
      supported_activity_types: ["greet", "wave"],
      capability_manifest: { local_activities: supported, worker_sessions: supported, sticky_execution: supported },
    }),
  });
  expect(registered.status).toBe(201);
  return url;
}

describe("an activity that no worker takes", () => {
  it("is told by start after two seconds, marked by list and found by doctor", async () => {
    const url = await engineWithWorker();
    const start = ["start", "grete", "--queue", "lamps", "--id", "one", "--server", url];
    const message = "no worker of queue lamps takes grete; did you mean greet?";
    const human = begin(start);
    await human.until(/ {2}waiting {4}no worker of queue lamps takes grete; did you mean greet\?\n/);
    await human.stop();

    const machine = begin(["start", "greet", "--queue", "lams", "--json", "--server", url]);
    await machine.until(/"event":"waiting"/);
    const { stdout } = await machine.stop();
    expect(jsonLines(stdout)).toContainEqual({
      event: "waiting",
      taskQueue: "lams",
      type: "greet",
      suggestion: "lamps",
      message: "no worker serves queue lams; workers of queue lamps take greet",
    });

    const listed = await runHere(["list", "--server", url]);
    expect(listed.stdout).toMatch(/^one +grete +lamps +waiting /m);
    expect(listed.stdout).toContain(`waiting: ${message}\n`);
    const lines = jsonLines((await runHere(["list", "--json", "--server", url])).stdout);
    expect(lines.find(({ id }) => id === "one")).toMatchObject({ status: "running", waiting: message });

    const doctor = await runHere(["doctor", "--server", url]);
    expect(doctor.stdout).toMatch(/^! workers {2}.*no worker of queue lamps takes grete; did you mean greet\?/m);
  });

  it("is not told of one that a worker takes", async () => {
    const url = await engineWithWorker();
    await runHere(["start", "greet", "--queue", "lamps", "--detach", "--server", url]);
    const { stdout } = await runHere(["list", "--server", url]);
    expect(stdout).toContain("running");
    expect(stdout).not.toContain("waiting");
    expect((await runHere(["doctor", "--server", url])).stdout).toContain("✓ workers  every activity that runs");
  });
});

describe("who takes an activity", () => {
  const asked = { task_queue: "lamps", activity_type: "greet" };
  const worker = (task_queue: string, types: readonly string[], status = "active") => ({
    task_queue,
    status,
    supported_activity_types: types,
  });

  it.each([
    ["a worker that says so", [worker("lamps", ["wave"]), worker("lamps", ["greet"])]],
    ["a worker that does not say what it takes", [worker("lamps", [])]],
  ])("%s", (_, workers) => {
    expect(untaken(asked, workers)).toBeUndefined();
  });

  it.each([
    ["nobody is there", [], "no worker serves queue lamps", null],
    ["only one is left that is stale", [worker("lamps", ["greet"], "stale")], "no worker serves queue lamps", null],
    [
      "the queue is spelt otherwise",
      [worker("lamp", ["x"])],
      "no worker serves queue lamps; did you mean queue lamp?",
      "lamp",
    ],
    ["nothing is near", [worker("lamps", ["shutdown"])], "no worker of queue lamps takes greet", null],
  ])("nobody, where %s", (_, workers, message, suggestion) => {
    expect(untaken(asked, workers)).toMatchObject({ message, suggestion });
  });
});
