import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type HeartbeatRequestWire, heartbeatRequest, parseHeartbeatAnswer } from "./heartbeat.js";
import { resolveHeartbeatEndpoint } from "./heartbeat-endpoint.js";
import { sanitizeHeartbeatProgress } from "./heartbeat-progress.js";

/** What was recorded from running engines, in a folder beside the repository. */
const RECORDINGS = new URL("../../../../../shared/contract/worker-protocol/", import.meta.url);

interface Recording {
  readonly request: { readonly path: string; readonly body: HeartbeatRequestWire };
  readonly response: { readonly status: number; readonly body: Readonly<Record<string, unknown>> };
}

function readRecordings(): readonly (Recording & { readonly file: string })[] {
  return readdirSync(RECORDINGS)
    .filter((file) => file.endsWith(".json"))
    .map((file) => Object.assign(JSON.parse(readFileSync(new URL(file, RECORDINGS), "utf8")) as Recording, { file }))
    .filter(({ request }) => /^\/api\/worker\/activity-tasks\/[^/]+\/heartbeat$/.test(request?.path));
}

if (!existsSync(RECORDINGS)) {
  it.skip("../shared/contract is not here: recorded heartbeats are checked where it is", () => undefined);
} else {
  describe("recorded heartbeats of ../shared/contract", () => {
    const recordings = readRecordings();
    const withStatus = (...statuses: readonly number[]) =>
      recordings.filter(({ response }) => statuses.includes(response.status));

    it("are many, and of these statuses", () => {
      expect(recordings.length).toBeGreaterThan(30);
      expect(withStatus(200, 404, 409, 422, 500)).toEqual(recordings);
    });

    it.each(recordings)("$file goes to a path that is taken", ({ request }) => {
      expect(resolveHeartbeatEndpoint("https://engine/x", request.path)).toBe(`https://engine/x${request.path}`);
    });

    it.each(withStatus(200))(
      "$file is an answer, and its request is one that would be sent",
      ({ request, response }) => {
        const { body } = response;
        expect(typeof body["can_continue"]).toBe("boolean");
        expect(parseHeartbeatAnswer(200, body)).toEqual({
          canContinue: body["can_continue"],
          cancelRequested: body["cancel_requested"],
          reason: body["reason"] ?? undefined,
          leaseExpiresAt: body["lease_expires_at"] === null ? undefined : new Date(body["lease_expires_at"] as string),
        });

        const { activity_attempt_id: attemptId, lease_owner: leaseOwner, ...given } = request.body;
        const { progress, changed } = sanitizeHeartbeatProgress(given);
        expect(changed).toEqual([]);
        expect(heartbeatRequest({ attemptId, leaseOwner }, progress)).toEqual(request.body);
      },
    );

    it.each(withStatus(404, 409))("$file ends the attempt", ({ response }) => {
      const { reason } = response.body;
      expect(typeof reason).toBe("string");
      expect(parseHeartbeatAnswer(response.status, response.body)).toMatchObject({ canContinue: false, reason });
    });

    it.each(withStatus(422, 500))("$file is no answer, and its progress would not be sent", ({ request, response }) => {
      expect(parseHeartbeatAnswer(response.status, response.body)).toBeUndefined();
      expect(sanitizeHeartbeatProgress(request.body).changed).not.toEqual([]);
    });
  });
}
