import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  HeartbeatEndpointError,
  isHeartbeatEndpointError,
  parseServerUrl,
  resolveHeartbeatEndpoint,
} from "./heartbeat-endpoint.js";

const SERVER = "https://engine.example.com";
const PATH = "/api/worker/activity-tasks/01m817vx95x8qd6k3s535r4678/heartbeat";

describe("parseServerUrl", () => {
  it.each([
    ["https://engine.example.com", "https://engine.example.com"],
    ["https://engine.example.com/", "https://engine.example.com"],
    ["https://engine.example.com:443//", "https://engine.example.com"],
    ["https://engine.example.com:8443/engine/", "https://engine.example.com:8443/engine"],
    ["HTTPS://ENGINE.example.com/Engine/v1", "https://engine.example.com/Engine/v1"],
    ["http://10.0.0.7:8080", "http://10.0.0.7:8080"],
    ["http://engine", "http://engine"],
    ["http://[::1]:8080/", "http://[::1]:8080"],
    ["https://engine.example.com/a/../b", "https://engine.example.com/b"],
    ["https://engine.example.com?", "https://engine.example.com"],
    ["  https://engine.example.com\n", "https://engine.example.com"],
  ])("takes %j", (given, expected) => {
    expect(parseServerUrl(given)).toBe(expected);
  });

  it.each([
    [""],
    ["engine.example.com"],
    ["/api"],
    ["//engine.example.com"],
    ["https://"],
    ["ftp://engine.example.com"],
    ["file:///etc/passwd"],
    ["data:text/plain,x"],
    ["javascript:alert(1)"],
    ["https://worker:hush@engine.example.com"],
    ["https://worker@engine.example.com"],
    ["https://engine.example.com/?token=hush"],
    ["https://engine.example.com/#hush"],
    [undefined],
    [null],
    [7],
    [{ href: SERVER }],
  ])("refuses %j without showing it", (given) => {
    const parse = (): string => parseServerUrl(given as string);
    expect(parse).toThrow(TypeError);
    expect(parse).toThrow(/^serverUrl must be an http or https URL/);
    expect(parse).not.toThrow(/hush/);
  });
});

describe("resolveHeartbeatEndpoint", () => {
  it.each([
    [SERVER, PATH, SERVER + PATH],
    [`${SERVER}/`, PATH, SERVER + PATH],
    [`${SERVER}/engine`, PATH, `${SERVER}/engine${PATH}`],
    [`${SERVER}/engine/`, PATH, `${SERVER}/engine${PATH}`],
    ["http://127.0.0.1:8080", "/heartbeat", "http://127.0.0.1:8080/heartbeat"],
    [SERVER, "/a.b/..c/.d/e..", `${SERVER}/a.b/..c/.d/e..`],
    [SERVER, "/t:1@x/%C3%A9/~!$&'()*+,;=-_.", `${SERVER}/t:1@x/%C3%A9/~!$&'()*+,;=-_.`],
  ])("of %s and %s is %s", (server, endpoint, expected) => {
    expect(resolveHeartbeatEndpoint(server, endpoint)).toBe(expected);
  });

  it.each([
    ["", "an empty path"],
    ["/", "an empty path"],
    ["https://elsewhere.example/api", "an absolute URL"],
    ["https:/api", "an absolute URL"],
    ["https:api", "an absolute URL"],
    ["javascript:alert(1)", "an absolute URL"],
    ["@elsewhere.example/api", "no slash"],
    [".elsewhere.example/api", "no slash"],
    [":8443/api", "an absolute URL"],
    ["api/worker", "no slash"],
    ["//elsewhere.example/api", "a scheme-relative URL"],
    ["///elsewhere.example/api", "a scheme-relative URL"],
    ["/\\elsewhere.example/api", "a backslash"],
    ["\\\\elsewhere.example", "a backslash"],
    ["/api\\..\\admin", "a backslash"],
    ["/api//heartbeat", "an empty segment"],
    ["/api/heartbeat/", "an empty segment"],
    ["/api/../admin", 'a "." or ".." segment'],
    ["/..", 'a "." or ".." segment'],
    ["/./api", 'a "." or ".." segment'],
    ["/api/.", 'a "." or ".." segment'],
    ["/api/..;x/admin", 'a "." or ".." segment'],
    ["/api/%2e%2e/admin", "a percent-encoded character"],
    ["/api/.%2E/admin", "a percent-encoded character"],
    ["/api%2f..%2fadmin", "a percent-encoded character"],
    ["/api/%5Cadmin", "a percent-encoded character"],
    ["/api/%252e%252e/admin", "a percent-encoded character"],
    ["/api%3Fadmin", "a percent-encoded character"],
    ["/api%23", "a percent-encoded character"],
    ["/api%20x", "a percent-encoded character"],
    ["/api%0d%0aHost:x", "a percent-encoded character"],
    ["/api%00", "a percent-encoded character"],
    ["/api%7f", "a percent-encoded character"],
    ["/api%", "a percent sign that encodes nothing"],
    ["/api%4", "a percent sign that encodes nothing"],
    ["/api%zz", "a percent sign that encodes nothing"],
    ["/api?token=1", "a query"],
    ["/api?", "a query"],
    ["/api#x", "a fragment"],
    ["/api\n", "white space"],
    ["\t/api", "white space"],
    ["/a pi", "white space"],
    ["/api\u0000", "white space"],
    ["/api\u007f", "white space"],
    ["/api/\u2024\u2024/admin", "white space"],
    ["/\uff0felsewhere.example", "white space"],
    ["/api/é", "white space"],
    ["/api/\ud800", "white space"],
    ["/api/{task_id}", "a character that paths must encode"],
    ['/api/"x"', "a character that paths must encode"],
    ["/api/<x>", "a character that paths must encode"],
    ["/api/[x]|^`", "a character that paths must encode"],
    [`/${"a".repeat(2048)}`, "more than 2048 characters"],
    [undefined, "no text"],
    [null, "no text"],
    [["/api"], "no text"],
    [new String("/api"), "no text"],
  ])("refuses %j: %s", (endpoint, problem) => {
    for (const server of [SERVER, `${SERVER}/engine`]) {
      const resolve = (): string => resolveHeartbeatEndpoint(server, endpoint as string);
      expect(resolve).toThrow(HeartbeatEndpointError);
      expect(resolve).toThrow(`lease.heartbeat_endpoint must be a path on the server, as in`);
      expect(resolve).toThrow(`got ${problem}`);
      expect(resolve).not.toThrow("elsewhere");
    }
  });

  it("marks its error for other copies of the library, and as not worth a retry", () => {
    const error = new HeartbeatEndpointError("x");
    expect(isHeartbeatEndpointError(error)).toBe(true);
    expect(isHeartbeatEndpointError(new Error("x"))).toBe(false);
    expect(error.retryable).toBe(false);
  });

  it("blames a bad server address on whoever configured it", () => {
    expect(() => resolveHeartbeatEndpoint("engine", PATH)).toThrow(TypeError);
  });

  /** Endpoints made of what URL parsers care about, and of anything. */
  const piece = fc.constantFrom(
    ..."/.:@?#%\\;\t\n 0aA".split(""),
    ..."https:,//,..,%2e,%2F,%5c,%09,@evil.example,evil.example,:443,[::1],api,é,\u2024,\ud800,\0,%25,{,|,^".split(","),
  );
  const endpoint = fc.oneof(
    fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join("")),
    fc.array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join("")}`),
    fc.string({ unit: "binary" }),
    fc.string().map((path) => `/${path}`),
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
    fc.stringMatching(/^(\/[A-Za-z0-9%._~:@-]{1,8}){1,4}$/),
  );
  const server = fc.constantFrom(SERVER, "http://127.0.0.1:8080", `${SERVER}:8443/engine`, `${SERVER}/a/b%20c/`);

  it("either refuses, or gives a URL below the server's own, whose path is the endpoint itself", () => {
    let resolved = 0;
    fc.assert(
      fc.property(server, endpoint, (serverUrl, path) => {
        let url: URL;
        try {
          url = new URL(resolveHeartbeatEndpoint(serverUrl, path));
        } catch (error) {
          expect(isHeartbeatEndpointError(error)).toBe(true);
          return;
        }
        resolved++;
        const base = new URL(serverUrl);
        expect(url.origin).toBe(base.origin);
        expect(url.pathname).toBe(base.pathname.replace(/\/$/, "") + path);
        expect(url.search + url.hash + url.username + url.password).toBe("");
        expect(url.href).not.toMatch(/[?#]/);
        const segments = decodeURIComponent(path.replaceAll(/%(?![0-7])/g, "")).split("/");
        expect(segments).not.toContain("..");
        expect(segments).not.toContain(".");
        expect(segments).toHaveLength(path.split("/").length);
      }),
      { numRuns: 20_000 },
    );
    expect(resolved).toBeGreaterThan(500);
  });
});
