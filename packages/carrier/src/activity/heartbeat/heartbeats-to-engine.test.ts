import { expect, it } from "vitest";
import { reply, scriptedEngine } from "../../../test/support/scripted-engine.js";
import type { HeartbeatAnswer } from "../../protocol/heartbeat.js";
import { recordingLogger } from "../../testing/recording-logger.js";
import { systemClock } from "../clock.js";
import { engineHeartbeatSender } from "./engine-heartbeat-sender.js";
import { startHeartbeats } from "./heartbeats.js";

it("beats over a real connection and by the real clock, through trouble, until the run is cancelled", async () => {
  const engine = await scriptedEngine(
    // A load balancer's, during a deploy.
    reply(404, "<h1>No such service</h1>"),
    reply(503, { reason: "busy" }, { "Retry-After": "0" }),
    reply(200, { can_continue: true, lease_expires_at: "2999-06-01T12:35:00Z" }),
    reply(200, { can_continue: true }),
    reply(200, { can_continue: false, cancel_requested: true, reason: "run_cancelled" }),
  );
  const logger = recordingLogger();
  const accepted: HeartbeatAnswer[] = [];
  const before = Date.now();
  const stopped = await new Promise<HeartbeatAnswer>((resolve) => {
    const beats = startHeartbeats({
      clock: systemClock,
      logger,
      sender: engineHeartbeatSender({ serverUrl: engine.url, token: async () => "hush-worker-token" }),
      task: { taskId: "task-lamp-7", attemptId: "attempt-b", leaseOwner: "cellar", endpoint: "/api/heartbeat" },
      timeoutMs: 750,
      leaseLeftMs: () => 300_000,
      automatic: true,
      onAccepted(answer, sentAt) {
        expect(sentAt).toBeGreaterThanOrEqual(before);
        accepted.push(answer);
      },
      onStop: resolve,
    });
    beats.heartbeat({ current: 1, unit: "lamps" });
    beats.heartbeat({ current: 2, unit: "lamps" });
  });
  await engine.close();

  expect(stopped).toEqual({
    canContinue: false,
    cancelRequested: true,
    reason: "run_cancelled",
    leaseExpiresAt: undefined,
  });
  expect(accepted.map(({ leaseExpiresAt }) => leaseExpiresAt?.toISOString())).toEqual([
    "2999-06-01T12:35:00.000Z",
    undefined,
  ]);
  const identity = { activity_attempt_id: "attempt-b", lease_owner: "cellar", unit: "lamps" };
  expect(engine.requests.map(({ path, body }) => [path, JSON.parse(body) as unknown])).toEqual([
    ["/api/heartbeat", { ...identity, current: 1 }],
    ["/api/heartbeat", { ...identity, current: 2 }],
    ["/api/heartbeat", { ...identity, current: 2 }],
    ["/api/heartbeat", { ...identity, current: 2 }],
    ["/api/heartbeat", { ...identity, current: 2 }],
  ]);
  expect(logger.lines.map(({ level }) => level)).toEqual(["warn", "warn", "info"]);
  expect(JSON.stringify(logger.lines)).not.toContain("hush");
});
