import { encodeAvroValue } from "@durable-workflow/carrier/payload";
import { createLocalEngine } from "@durable-workflow/local-engine";
import { expect, it, onTestFinished } from "vitest";
import { fetchTransport, type Transport, TransportFailure, type TransportRequest } from "../src/index.js";
import { EngineTools } from "../src/tools/index.js";

type Reply = readonly [status: number, document: unknown];

/** An engine that answers as it is told, once for each request, the last one for all that follow. */
function engineOf(...replies: readonly (Reply | "lost")[]): { readonly tools: EngineTools; readonly asked: string[] } {
  const asked: string[] = [];
  const transport: Transport = {
    send: ({ method, url }: TransportRequest) => {
      const reply = replies[Math.min(asked.length, replies.length - 1)] ?? "lost";
      asked.push(`${method} ${new URL(url).pathname}`);
      if (reply === "lost") return Promise.reject(new TransportFailure("lost", "cut off"));
      const body = new TextEncoder().encode(JSON.stringify(reply[1]));
      return Promise.resolve({ status: reply[0], body, header: () => undefined });
    },
  };
  return { tools: new EngineTools({ serverUrl: "https://engine.test", transport }), asked };
}

it("reads are repeated as the client repeats them, and name the field that is wrong", async () => {
  const { tools, asked } = engineOf([503, {}], [200, { activities: [{ activity_id: 7 }] }]);
  await expect(tools.list(5)).rejects.toMatchObject({
    code: "not_an_engine",
    message: expect.stringContaining("activities[0].activity_id must be text") as string,
  });
  expect(asked).toEqual(["GET /api/activities", "GET /api/activities"]);
});

it("a request of one's own is sent once, whatever is answered", async () => {
  const { tools, asked } = engineOf([503, { message: "busy" }], "lost");
  expect((await tools.exchange({ method: "GET", path: "/api/own" })).status).toBe(503);
  await expect(tools.exchange({ method: "POST", path: "/api/own", body: "{}" })).rejects.toMatchObject({
    code: "unreachable",
    mayHaveActed: true,
  });
  expect(asked).toEqual(["GET /api/own", "POST /api/own"]);
});

it("starts, tells, stops and fetches on an engine, also where the answer to the start is lost", async () => {
  const engine = createLocalEngine({ file: ":memory:" });
  onTestFinished(() => engine.close());
  const { url } = await engine.listen();
  let starts = 0;
  const inner = fetchTransport();
  const transport: Transport = {
    async send(request) {
      const answer = await inner.send(request);
      if (request.method !== "POST" || !request.url.endsWith("/api/activities")) return answer;
      starts++;
      throw new TransportFailure("lost", "cut off");
    },
  };
  const tools = new EngineTools({ serverUrl: url, transport });
  const blob = encodeAvroValue(["x".repeat(100_000)]);
  const { started, request } = await tools.start(
    { activity_type: "greet", task_queue: "default" },
    { codec: "avro", blob },
  );
  expect([starts, request.activity_id]).toEqual([1, started.activity_id]);
  expect(started).toMatchObject({ activity_type: "greet", task_queue: "default" });

  const description = await tools.describe(started.activity_id);
  expect(description).toMatchObject({ status: "running", workflow_run_id: started.workflow_run_id });
  const history = await tools.history(started.activity_id, started.workflow_run_id);
  expect(history.map(({ event_type: type }) => type)).toContain("ActivityScheduled");
  expect(await tools.workers()).toEqual([]);
  expect(await tools.clusterInfo()).toHaveProperty("worker_protocol");

  expect(await tools.stop("cancel", started.activity_id)).toBe(true);
  expect(await tools.stop("cancel", started.activity_id)).toBe(false);
  await expect(tools.stop("terminate", "none")).rejects.toMatchObject({ code: "not_found" });
});
