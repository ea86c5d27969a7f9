import { describe, expect, it, vi } from "vitest";
import { activityTaskEnvelope } from "../../test/support/envelopes.js";
import { recordingLogger } from "../testing/recording-logger.js";
import {
  type BearerTokens,
  bearerToken,
  type InvocableAuthGate,
  InvocableHttpEndpoint,
  type InvocableHttpRequest,
} from "./index.js";

const TASK = JSON.stringify(activityTaskEnvelope());
const CHALLENGE = 'Bearer realm="invocable-carrier"';

function readTask(): Promise<string> {
  return Promise.resolve(TASK);
}

function head(authorization: string | undefined): InvocableHttpRequest {
  return { method: "POST", headers: authorization === undefined ? {} : { authorization }, body: readTask };
}

/** An endpoint behind that gate, and what shows whether its body was read. */
function guarded(auth: InvocableAuthGate) {
  const logger = recordingLogger();
  const body = vi.fn<InvocableHttpRequest["body"]>(readTask);
  const endpoint = new InvocableHttpEndpoint({ "lamps.dim": () => 1 }, { auth, logger });
  const ask = (headers: Record<string, string> = {}, method = "POST") => endpoint.handle({ method, headers, body });
  return { ask, body, logger };
}

describe("bearerToken", () => {
  it.each([
    ["the token", "Bearer abc.DEF-1_2~3+4/5==", true],
    ["the scheme in lower case", "bearer abc.DEF-1_2~3+4/5==", true],
    ["the scheme in capitals", "BEARER abc.DEF-1_2~3+4/5==", true],
    ["more blanks", "Bearer   abc.DEF-1_2~3+4/5==  ", true],

    ["nothing", undefined, false],
    ["an empty header", "", false],
    ["the scheme alone", "Bearer", false],
    ["the scheme and a blank", "Bearer ", false],
    ["another token", "Bearer abc", false],
    ["the token's front", "Bearer abc.DEF-1_2~3+4/5=", false],
    ["more than the token", "Bearer abc.DEF-1_2~3+4/5===", false],
    ["the token twice", "Bearer abc.DEF-1_2~3+4/5==abc.DEF-1_2~3+4/5==", false],
    ["the token in another case", "Bearer ABC.def-1_2~3+4/5==", false],
    ["two credentials", "Bearer abc.DEF-1_2~3+4/5==, Bearer abc.DEF-1_2~3+4/5==", false],
    ["a word after it", "Bearer abc.DEF-1_2~3+4/5== x", false],
    ["the token without a scheme", "abc.DEF-1_2~3+4/5==", false],
    ["another scheme", "Basic abc.DEF-1_2~3+4/5==", false],
    ["a longer scheme", "Bearerabc.DEF-1_2~3+4/5==", false],
    ["a tab", "Bearer\tabc.DEF-1_2~3+4/5==", false],
    ["a blank before it", " Bearer abc.DEF-1_2~3+4/5==", false],
  ])("takes the token and nothing else: %s", async (_, authorization, passes) => {
    expect(await bearerToken("abc.DEF-1_2~3+4/5==")(head(authorization))).toBe(passes);
  });

  const TOKENS: readonly (readonly [string, BearerTokens, readonly string[]])[] = [
    ["one", "old", ["old"]],
    ["a list of one", ["old"], ["old"]],
    ["two, while one replaces the other", ["new", "old"], ["new", "old"]],
    ["a look-up", () => "new", ["new"]],
    ["a look-up that takes a while", async () => Promise.resolve(["new", "old"]), ["new", "old"]],
  ];

  it.each(TOKENS)("takes any of its tokens: %s", async (_, tokens, known) => {
    const gate = bearerToken(tokens);
    for (const token of ["new", "old", "other"]) {
      expect(await gate(head(`Bearer ${token}`))).toBe(known.includes(token));
    }
  });

  it("looks its tokens up for each request that brings one", async () => {
    let current = "first";
    const lookUp = vi.fn<() => string>(() => current);
    const gate = bearerToken(lookUp);
    expect(await gate(head("Bearer first"))).toBe(true);
    current = "second";
    expect(await gate(head("Bearer first"))).toBe(false);
    expect(await gate(head("Bearer second"))).toBe(true);
    expect(await gate(head(undefined))).toBe(false);
    expect(lookUp).toHaveBeenCalledTimes(3);
  });

  it.each([
    ["nothing", undefined],
    ["null", null],
    ["empty text", ""],
    ["a blank", " "],
    ["no tokens", []],
    ["an empty token among others", ["good", ""]],
    ["undefined among others", ["good", undefined]],
    ["undefined", undefined],
    ["a number", 7],
    ["a list of numbers", [7]],
    ["a token with a blank", "two words"],
    ["a token with a line end", "token\n"],
    ["a token beyond ASCII", "tökén"],
    ["a token that is all padding", "=="],
    ["the whole header", "Bearer abc"],
  ])("cannot be made of %s", async (_, tokens) => {
    const bad = tokens as BearerTokens;
    expect(() => bearerToken(bad)).toThrow(/^bearerToken needs /);

    // Looked up later, they let nobody in.
    const gate = bearerToken(() => bad as string);
    for (const token of ["good", "undefined", "7", "==", "abc"]) {
      await expect(gate(head(`Bearer ${token}`))).rejects.toThrow(TypeError);
    }
  });

  it("does not show a bad token in its complaint", () => {
    expect(() => bearerToken("s3cret token")).toThrow(expect.not.stringContaining("s3cret"));
  });

  it("compares every token to its end, whichever one is right", async () => {
    // How long it takes cannot be measured here; what it looks at can.
    const looked = vi.spyOn(String.prototype, "charCodeAt");
    const count = async (authorization: string): Promise<number> => {
      looked.mockClear();
      await gate(head(authorization));
      return looked.mock.calls.length;
    };
    const gate = bearerToken(["aaaaaaaa", "bbbbbbbb", "cccccccc"]);
    const counts = [];
    for (const token of ["aaaaaaaa", "cccccccc", "aaaaaaab", "zzzzzzzz"]) counts.push(await count(`Bearer ${token}`));
    looked.mockRestore();
    expect(new Set(counts).size).toBe(1);
    expect(counts[0]).toBeGreaterThan(0);
  });
});

describe("a gate", () => {
  it("is asked once, with method and headers alone, before the body is read", async () => {
    const order: string[] = [];
    const auth = vi.fn<InvocableAuthGate>(async () => {
      await Promise.resolve();
      order.push("gate");
      return true;
    });
    const { ask, body } = guarded(auth);
    body.mockImplementation(() => {
      order.push("body");
      return Promise.resolve(TASK);
    });
    expect(await ask({ "x-key": "1" })).toMatchObject({ statusCode: 200 });
    expect(auth).toHaveBeenCalledExactlyOnceWith({ method: "POST", headers: { "x-key": "1" } });
    expect(order).toEqual(["gate", "body"]);
  });

  it("is not asked about a method that is refused anyway", async () => {
    const auth = vi.fn<InvocableAuthGate>(() => true);
    expect(await guarded(auth).ask({}, "PUT")).toMatchObject({ statusCode: 405 });
    expect(auth).not.toHaveBeenCalled();
  });

  it.each([
    ["false", () => false],
    ["a promise of false", () => Promise.resolve(false)],
    ["undefined", () => undefined],
    ["1", () => 1],
    ["text", () => "yes"],
    ["an object", () => ({ user: "me" })],
    ["a promise of an object", () => Promise.resolve({ user: "me" })],
  ])("lets in for nothing but true: %s", async (_, answer) => {
    const { ask, body, logger } = guarded(answer as unknown as InvocableAuthGate);
    expect(await ask()).toMatchObject({
      statusCode: 401,
      headers: { "www-authenticate": "Bearer", "content-type": "application/json" },
    });
    expect((await ask()).json()).toMatchObject({ error: "unauthorized" });
    expect(body).not.toHaveBeenCalled();
    expect(logger.lines).toEqual([]);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("s3cret store is down");
      },
    ],
    ["rejects", () => Promise.reject(new Error("s3cret store is down"))],
    ["rejects with nothing", () => Promise.reject(undefined)],
  ])("keeps out when it %s, and that is logged without the reason", async (_, auth) => {
    const { ask, body, logger } = guarded(auth);
    const response = await ask({ authorization: "Bearer s3cret" });
    expect(response).toMatchObject({ statusCode: 401 });
    expect(JSON.stringify([response, logger.lines])).not.toContain("s3cret");
    expect(body).not.toHaveBeenCalled();
    expect(logger.lines).toMatchObject([{ level: "error" }]);
  });

  it("keeps out when it throws and the logger that is to be told throws too", async () => {
    const fail = () => {
      throw new Error("s3cret");
    };
    const logger = { debug: fail, info: fail, warn: fail, error: fail };
    const endpoint = new InvocableHttpEndpoint({}, { auth: fail, logger });
    const request = { method: "POST", headers: {}, body: () => Promise.resolve(TASK) };
    expect(await endpoint.handle(request)).toMatchObject({ statusCode: 401 });
  });

  it.each([
    ["its own challenge", Object.assign(() => false, { challenge: 'Basic realm="lamps"' }), 'Basic realm="lamps"'],
    ["that of bearerToken", bearerToken("token"), CHALLENGE],
    ["Bearer", () => false, "Bearer"],
  ])("answers 401 with %s", async (_, auth, challenge) => {
    const { headers } = await guarded(auth).ask({ authorization: "Bearer other" });
    expect(headers["www-authenticate"]).toContain(challenge);
  });
});
