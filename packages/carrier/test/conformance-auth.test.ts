import { afterAll, describe, expect, it } from "vitest";
import { bearerToken } from "../src/http/index.js";
import { conformanceAuthCases } from "../src/testing/conformance/cases.js";
import { checkConformance } from "../src/testing/conformance/check.js";
import { openHttpTransports } from "./support/conformance-transports.js";

const TOKEN = "conformance-token";
const guarded = await openHttpTransports({ auth: bearerToken(TOKEN) });
const [open] = await openHttpTransports();

afterAll(async () => {
  await Promise.all(guarded.map(async (transport) => transport.close?.()));
});

describe.each(guarded)("$name, guarded", (transport) => {
  it.each(conformanceAuthCases)("$id ($requirement)", async (test) => {
    const request = test.request({ now: Date.now(), token: TOKEN });
    const answer = await transport.send(request);
    expect(checkConformance(test, { request, ...answer }), test.contract).toEqual([]);
  });
});

it("finds a carrier that lets everybody in", async () => {
  for (const test of conformanceAuthCases.filter(({ expect: { outcome } }) => outcome === "refusal")) {
    const request = test.request({ now: Date.now(), token: TOKEN });
    const answer = await open?.send(request);
    expect(checkConformance(test, { request, body: "", ...answer }).map(({ what }) => what)).toContain("status");
  }
});

it("finds a 401 that runs the task nevertheless, and takes any other body", () => {
  const [test] = conformanceAuthCases;
  if (test === undefined) throw new Error("there are no cases");
  const request = test.request({ now: Date.now(), token: TOKEN });
  const differences = (body: string) => checkConformance(test, { request, status: 401, headers: {}, body });
  expect(differences('{"outcome":{"status":"succeeded"}}')).toMatchObject([{ what: "body", expected: "no result" }]);
  expect(differences("")).toEqual([]);
  expect(differences("<html>Unauthorized</html>")).toEqual([]);
  expect(differences('{"detail":"Unauthorized"}')).toEqual([]);
});
