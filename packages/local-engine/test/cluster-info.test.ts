import { decodePayload } from "@durable-workflow/carrier/payload";
import { parseExternalTaskInputArtifact, parseExternalTaskResultArtifact } from "@durable-workflow/carrier/protocol";
import {
  CONTROL_PLANE_VERSION_HEADER,
  PROTOCOL_VERSION,
  PROTOCOL_VERSION_HEADER,
} from "@durable-workflow/engine-protocol";
import type { Json } from "@durable-workflow/test-support/engine-client";
import { send } from "@durable-workflow/test-support/send";
import { expect, it } from "vitest";
import { openEngine } from "./support/engine.js";

async function clusterInfo(): Promise<Json> {
  const { client } = await openEngine({ longPollSeconds: 12 });
  const { body } = await client.call("GET", "/api/cluster/info");
  return body;
}

it("publishes examples that are sound, by name, digest and contract", async () => {
  const { worker_protocol: protocol } = await clusterInfo();
  const inputs = Object.values(protocol.external_task_input_contract.fixtures);
  const results = Object.values(protocol.external_task_result_contract.fixtures);
  expect(inputs.map((one) => parseExternalTaskInputArtifact(one).kind).toSorted()).toEqual([
    "activity_task",
    "workflow_task",
  ]);
  expect(results).toHaveLength(8);
  for (const result of results) parseExternalTaskResultArtifact(result);
  expect(
    decodePayload(protocol.external_task_input_contract.fixtures.activity_task.example.payloads.arguments),
  ).toEqual(["catalogue", { shards: 4 }]);
});

it("says which protocol it speaks, and what it does not do", async () => {
  const info = await clusterInfo();
  expect(info.worker_protocol).toMatchObject({
    version: PROTOCOL_VERSION,
    server_capabilities: { long_poll_timeout: 12, supported_workflow_task_commands: [] },
  });
  expect(info.capabilities).toMatchObject({ activity_tasks: true, workflow_tasks: false, signals: false });
  expect(info.control_plane.version).toBe("2");
  // Earlier ones register no types, or speak another framing of payloads, and would get no work.
  const sdks = { php: ">=2.0,<3.0", python: ">=2.0,<3.0", rust: ">=2.0,<5.0", cli: ">=2.0,<3.0" };
  expect(info.supported_sdk_versions).toEqual(sdks);
  expect(JSON.stringify(info.client_compatibility)).not.toContain("<1.0");
});

it("advertises what it does, in cluster info and in every answer of the worker plane, and nothing else", async () => {
  const { client } = await openEngine({ longPollSeconds: 0 });
  const { worker_protocol: protocol, capabilities, limits } = (await client.call("GET", "/api/cluster/info")).body;
  const { server_capabilities: flags } = protocol;
  expect(flags).toMatchObject({
    poll_status: true,
    activity_lease_renewal: true,
    worker_deregistration_fencing: {
      supported: true,
      schema: "durable-workflow.v2.worker-deregistration.v1",
      endpoint: "/worker/registrations/{workerId}/deregister",
      receipt_retention_seconds: 600,
    },
    worker_status: { supported: true, heartbeat_interval_seconds: 10, stale_after_seconds: 60 },
  });
  for (const flag of ["cooperative_cancellation", "local_activities", "worker_sessions", "sticky_execution"]) {
    expect(flags[flag]).toBe(false);
  }
  // The manifest of it is that of the namespace.
  expect(flags.runtime_external_payload_transport).toBe(true);
  expect(capabilities).not.toHaveProperty("nexus");
  expect(capabilities).not.toHaveProperty("service_execution");
  expect(limits.max_payload_bytes).toBe(2_097_152);
  await client.register("w", "q", ["t"]);
  const answers = [
    await client.poll("w", "q"),
    await client.poll("nobody", "q"),
    await client.call("POST", "/api/worker/heartbeat", {}),
    await client.call("DELETE", "/api/worker/registrations/w"),
  ];
  for (const { body } of answers) {
    expect(body.server_capabilities).toEqual(flags);
    expect(body.protocol_version).toBe(PROTOCOL_VERSION);
  }
});

it("is read with a worker's token and the control plane's header, the worker plane's, or none", async () => {
  const { url } = await openEngine({ auth: { workerToken: "w0", operatorToken: "o0" } });
  const headers = [{}, { [CONTROL_PLANE_VERSION_HEADER]: "2" }, { [PROTOCOL_VERSION_HEADER]: PROTOCOL_VERSION }];
  for (const token of ["w0", "o0"]) {
    for (const header of headers) {
      const answer = await send(url, {
        method: "GET",
        path: "/api/cluster/info",
        headers: { ...header, Authorization: `Bearer ${token}` },
      });
      expect(answer.status).toBe(200);
    }
  }
});

it("forgets workers that were silent for a day, when another comes", async () => {
  const { client, clock } = await openEngine({ longPollSeconds: 0 });
  await client.register("dead", "q", ["t"]);
  await client.register("alive", "q", ["t"]);
  clock.jump(20 * 3_600_000);
  await client.call("POST", "/api/worker/heartbeat", { worker_id: "alive" });
  clock.jump(10 * 3_600_000);
  await client.register("new", "q", ["t"]);
  const { body } = await client.call("GET", "/api/workers");
  expect(body.workers.map(({ worker_id: id }: { worker_id: string }) => id)).toEqual(["alive", "new"]);
  expect((await client.poll("dead", "q")).body.reason).toBe("worker_not_registered");
});

it("lists the workers that are there", async () => {
  const { client, clock } = await openEngine();
  await client.register("w1", "q1", ["t"]);
  await client.register("w2", "q2", ["t"], { build_id: "b" });
  const fleet = async (): Promise<Json> => (await client.call("GET", "/api/cluster/info")).body.worker_fleet;
  expect(await fleet()).toMatchObject({ active_workers: 2, queues: ["q1", "q2"], build_ids: ["b"] });
  clock.jump(59_000);
  await client.call("POST", "/api/worker/heartbeat", { worker_id: "w1" });
  clock.jump(2000);
  expect(await fleet()).toMatchObject({ active_workers: 1, queues: ["q1"] });
  expect((await client.call("GET", "/api/workers/w2")).body).toMatchObject({ status: "stale", build_id: "b" });
  expect((await client.call("GET", "/api/workers/none")).status).toBe(404);
});
