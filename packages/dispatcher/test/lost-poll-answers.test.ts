import { setTimeout as sleep } from "node:timers/promises";
import { InvocableActivityHandler } from "@durable-workflow/carrier";
import { type InProcessAnswer, PATHS } from "@durable-workflow/engine-protocol";
import { createLocalEngine } from "@durable-workflow/local-engine";
import { Client } from "@durable-workflow/test-support/engine-client";
import { Gateway } from "@durable-workflow/test-support/gateway";
import { until } from "@durable-workflow/test-support/patience";
import { expect, it, onTestFinished } from "vitest";
import { createDispatcher, type DispatcherOptions } from "../src/index.js";
import { DONE, type ForeignHandler, startForeignCarrier } from "./support/foreign-carrier.js";
import { oneCarrier, type Running, startDispatcher } from "./support/running.js";

/** Longer than any test: a task whose lease has to run out before it is handed out again fails its test. */
const LEASE_SECONDS = 300;
const OPTIONS = { file: ":memory:", leaseSeconds: LEASE_SECONDS, shortLeaseSeconds: LEASE_SECONDS } as const;

type Answer = InProcessAnswer;

function page(status: number): () => Answer {
  return () => ({ status, headers: { "content-type": "text/html" }, body: "<h1>Sorry</h1>" });
}

/** What comes in the place of the answer that brings the task. */
const INSTEAD: readonly (readonly [string, (answer: Answer) => Answer])[] = [
  [
    "a connection that breaks",
    () => {
      throw new Error("reset");
    },
  ],
  ["half of it", (answer) => ({ ...answer, body: String(answer.body).slice(0, 100) })],
  [
    "an error of the engine",
    () => ({ status: 500, headers: {}, body: JSON.stringify({ error: "Server error.", reason: "server_error" }) }),
  ],
  ["a gateway's page with 502", page(502)],
  ["a gateway's page with 503", page(503)],
  ["a gateway's page with 504", page(504)],
  ["a gateway's page with 520", page(520)],
];

it.each(INSTEAD)(
  "a task does not wait for the end of its lease when its poll is answered with %s",
  async (_, instead) => {
    const engine = createLocalEngine(OPTIONS);
    const { url } = await engine.listen();
    const client = new Client(url);
    let dropped = 0;
    let ends = 0;
    const dispatcher = createDispatcher({
      engine: {
        answer: async (request) => {
          const answer = await engine.answer(request);
          if (request.path !== PATHS.poll || !String(answer.body).includes('"leased"') || dropped > 0) return answer;
          dropped++;
          return instead(answer);
        },
      },
      handlers: { web: new InvocableActivityHandler({ t: () => 1 }, { carrier: "here" }) },
      environment: {},
      profilesPath: "/nowhere/profiles.json",
      connection: { serverUrl: url },
      config: oneCarrier("http://127.0.0.1:9/", ["t"]),
      drainMs: 500,
    });
    onTestFinished(async () => {
      await dispatcher.drain();
      await engine.close();
    });
    dispatcher.events.on(({ type }) => {
      if (type === "task_ended") ends++;
    });
    await dispatcher.start();
    await client.started("t", "lamps", { activity_id: "a" });
    await until(() => ends > 0, "the task's end");
    expect(dropped).toBe(1);
    await completedAtOnce(client);
  },
);

interface Scene extends Running {
  /** Asks the engine itself. */
  readonly client: Client;
}

/** An engine behind a gateway that looks at each answer that brings a task, a dispatcher of it, and a task that is started. */
async function begin(
  onLease: (scene: Scene) => unknown,
  interfere: Gateway["interfere"] = () => undefined,
  options: Partial<DispatcherOptions> = {},
  handle: ForeignHandler = () => DONE,
): Promise<Scene> {
  const engine = createLocalEngine(OPTIONS);
  const { url } = await engine.listen();
  const gateway = new Gateway({
    target: () => url,
    onReply({ verb }, { body }) {
      return verb === "poll" && body["poll_status"] === "leased" ? onLease(scene) : undefined;
    },
  });
  gateway.interfere = interfere;
  await gateway.start();
  const carrier = await startForeignCarrier(handle);
  const running = await startDispatcher(gateway, { config: oneCarrier(carrier.url, ["t"]), ...options });
  onTestFinished(async () => {
    await running.dispatcher.drain();
    await carrier.close();
    await gateway.stop();
    await engine.close();
  });
  const scene = { ...running, client: new Client(url) };
  await scene.client.started("t", "lamps", { activity_id: "a" });
  return scene;
}

async function completedAtOnce(engine: Client): Promise<void> {
  const { body } = await engine.call("GET", "/api/activities?page_size=1");
  expect(body.activities).toMatchObject([{ status: "completed", attempt_count: 1 }]);
}

it("nor when the token is refused for a while as the poll is repeated", async () => {
  let refusals = 0;
  let isCut = false;
  const scene = await begin(
    () => {
      if (isCut) return;
      isCut = true;
      throw new Error("cut");
    },
    ({ verb }) => {
      if (verb !== "poll" || !isCut || ++refusals > 1) return undefined;
      return { status: 401, body: JSON.stringify({ error: "Unauthenticated.", reason: "unauthenticated" }) };
    },
  );
  await scene.until(() => scene.eventsOf("task_ended").length > 0);
  expect(refusals).toBeGreaterThan(0);
  await completedAtOnce(scene.client);
});

it("nor when its dispatcher is drained as the poll is repeated, again and again", async () => {
  let cuts = 0;
  let drained: Promise<unknown> | undefined;
  const scene = await begin(({ dispatcher }) => {
    if (++cuts > 6) return;
    if (cuts === 2) drained = dispatcher.drain();
    throw new Error("cut");
  });
  await scene.until(() => drained !== undefined);
  await drained;
  expect(cuts).toBe(7);
  await completedAtOnce(scene.client);
});

/** What engines say who tell a poll nothing once its registration has ended. */
const GONE = { status: 412, body: JSON.stringify({ error: "Register first.", reason: "worker_not_registered" }) };

it("nor when its answer is held back while its dispatcher is drained, by an engine that says nothing after the end", async () => {
  let drained: Promise<unknown> | undefined;
  let isEnded = false;
  const scene = await begin(
    async ({ dispatcher }) => {
      drained = dispatcher.drain();
      await until(() => isEnded, "the end of the registration");
      await sleep(1_000);
    },
    ({ verb }) => {
      if (verb === "deregister") isEnded = true;
      return verb === "poll" && isEnded ? GONE : undefined;
    },
  );
  await scene.until(() => drained !== undefined);
  await drained;
  await completedAtOnce(scene.client);
});

it("nor when its answer is lost after its registration has ended, of an engine that tells it again", async () => {
  let drained: Promise<unknown> | undefined;
  let cuts = 0;
  const scene = await begin(async ({ dispatcher, eventsOf }) => {
    drained ??= dispatcher.drain();
    await until(() => eventsOf("deregistered").length > 0, "the end of the registration");
    if (++cuts <= 4) throw new Error("cut");
  });
  await scene.until(() => drained !== undefined);
  await drained;
  expect(cuts).toBe(5);
  await completedAtOnce(scene.client);
});

it("nor when its answer is lost while the engine does not take the end of its registration", async () => {
  let drained: Promise<unknown> | undefined;
  let ends = 0;
  let isCut = false;
  let isEnded = false;
  let repeats = 0;
  const scene = await begin(
    async ({ dispatcher }) => {
      if (isCut) return;
      drained = dispatcher.drain();
      await until(() => ends > 0, "the first try to end the registration");
      isCut = true;
      throw new Error("cut");
    },
    ({ verb, path, body }) => {
      if (verb === "poll" && isEnded) return GONE;
      // Until the end was asked for again, or could have been.
      if (verb === "poll" && isCut && ends < 2 && ++repeats <= 5) return { status: 502, body: "" };
      if (verb !== "deregister") return undefined;
      isEnded = ++ends > 1;
      const unknown = {
        reason: "backend_unavailable",
        operation: "deregister_worker",
        outcome: "unknown",
        worker_id: decodeURIComponent(path.split("/").at(-2) ?? ""),
        registration_token: body["registration_token"],
        retryable: true,
        retry_after_seconds: 1,
      };
      return isEnded ? undefined : { status: 503, body: JSON.stringify(unknown) };
    },
  );
  await scene.until(() => drained !== undefined);
  await drained;
  await completedAtOnce(scene.client);
});

it("nor when the connection is cut between the lease and the answer, for the poll and for its first repeat", async () => {
  let cuts = 0;
  const scene = await begin(() => {
    if (++cuts <= 2) throw new Error("cut");
  });
  await scene.until(() => scene.eventsOf("task_ended").length > 0);
  expect(cuts).toBe(3);
  await completedAtOnce(scene.client);
});

it("nor when its registration is gone, and its dispatcher goes by another name since a task is in flight", async () => {
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  let leases = 0;
  const scene = await begin(
    async ({ client, eventsOf }) => {
      if (++leases === 1) return;
      const [worker] = eventsOf("registered");
      if (leases === 2) await client.call("DELETE", `/api/worker/registrations/${worker?.lane.workerId}`);
      if (eventsOf("worker_renamed").length === 0) throw new Error("cut");
    },
    undefined,
    { workerHeartbeatMs: 100 },
    () => finished.then(() => DONE),
  );
  await scene.until(() => leases > 0);
  await scene.client.started("t", "lamps", { activity_id: "b" });
  await scene.until(() => scene.eventsOf("worker_renamed").length > 0);
  await scene.until(() => scene.eventsOf("delivery_started").length === 2);
  finish();
  await scene.until(() => scene.eventsOf("task_ended").length === 2);
  const { body } = await scene.client.call("GET", "/api/activities?page_size=2");
  expect(body.activities).toMatchObject([1, 2].map(() => ({ status: "completed", attempt_count: 1 })));
});
