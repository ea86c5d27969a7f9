import type { Json } from "@durable-workflow/test-support/engine-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { accepted, whyNotReplayed } from "./replay/accepted.js";
import { compareShapes, compareValues } from "./replay/compare.js";
import { hasRecordings, type Recording, readRecordings } from "./replay/recording.js";
import { Replayer } from "./replay/replayer.js";
import { beforeOf, groups } from "./replay/scenarios.js";

/**
 * Every recorded request that concerns this engine is sent to it, and the answer compared: status, reason, which fields
 * there are, of what type, and the values that decide or explain something. Differences that are meant stand in a list.
 */
if (!hasRecordings) {
  it.skip("../shared/contract is not here: its recordings are replayed where it is", () => undefined);
} else {
  const recordings = readRecordings();
  const used = new Set<number>();
  const find = (number: number): Recording => {
    const found = recordings.find((recording) => recording.number === number);
    if (found === undefined) throw new Error(`there is no recording ${number}`);
    return found;
  };

  for (const group of groups) {
    describe(`recorded: ${group.name}`, () => {
      let replayer: Replayer;
      beforeAll(async () => {
        replayer = await Replayer.open(group.options?.());
      });
      afterAll(() => replayer.close());

      const replayed = recordings.filter(
        (recording) => group.holds(recording.number) && whyNotReplayed(recording) === undefined,
      );
      it.each(replayed)("$name", async (recording) => {
        await beforeOf(recording.number)?.(replayer, recording, find);
        const { response, body } = await replayer.replay(recording);
        const headers = Object.keys(recording.response.headers).map((name) => name.toLowerCase());
        if (response.status === recording.response.status)
          expect(Object.keys(response.headers)).toEqual(expect.arrayContaining(headers));
        expect(unaccepted(recording, response.status, body)).toEqual([]);
      });
    });
  }

  it("leaves no recording out without a reason", () => {
    const left = recordings.filter(
      (recording) => whyNotReplayed(recording) === undefined && !groups.some(({ holds }) => holds(recording.number)),
    );
    expect(left.map(({ name }) => name)).toEqual([]);
    expect(recordings.filter((recording) => whyNotReplayed(recording) === undefined).length).toBeGreaterThan(200);
  });

  it("accepts no difference that is not there", () => {
    expect(accepted.filter((_, index) => !used.has(index)).map(({ why }) => why)).toEqual([]);
  });

  function unaccepted({ name, request, response }: Recording, status: number, body: Json): readonly string[] {
    const differences: { path: string; what: string }[] = [];
    if (response.status !== status) {
      differences.push({
        path: "status",
        what: `${response.status} recorded, ${status} here: ${JSON.stringify(body)}`,
      });
    } else if (body !== undefined) {
      if (response.body.reason !== body.reason) {
        differences.push({ path: "reason", what: `${response.body.reason} recorded, ${body.reason} here` });
      }
      differences.push(...compareShapes(cut(response.body), cut(body)), ...compareValues(response.body, body));
    }
    return differences.flatMap(({ path, what }) => {
      const index = accepted.findIndex(
        (one) =>
          one.names.test(name) &&
          one.path.test(path) &&
          (one.requests?.test(request.path) ?? true) &&
          (one.what?.test(what) ?? true),
      );
      used.add(index);
      return index < 0 ? [`${path}: ${what}`] : [];
    });
  }
}

/** Recordings of August refer to those of April for the capabilities that every answer carries. */
function cut(body: Json): Json {
  const isCut =
    body.server_capabilities?.["..."] !== undefined || "long_poll_timeout" in (body.server_capabilities ?? {});
  return isCut ? { ...body, server_capabilities: {} } : body;
}
