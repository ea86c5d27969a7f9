import { expect, it } from "vitest";
import { shownPath, shownTarget, shownUrl } from "./shown-url.js";

it.each([
  ["https://carrier.example.com/tasks", "https://carrier.example.com/tasks"],
  ["http://127.0.0.1:7070", "http://127.0.0.1:7070"],
  ["https://x.example/api?code=KEY&v=1", "https://x.example/api?code=redacted&v=redacted"],
  ["https://x.example/api?KEY", "https://x.example/api"],
  ["https://x.example/api?code=KEY&code=OTHER", "https://x.example/api?code=redacted"],
  ["https://user:KEY@x.example/", "https://redacted:redacted@x.example/"],
  ["https://KEY@x.example/", "https://redacted@x.example/"],
  ["https://x.example/#KEY", "https://x.example/#redacted"],
  ["s3://bucket/key", "s3://bucket/key"],
  ["https://bucket.example/key?X-Amz-Signature=KEY", "https://bucket.example/key?X-Amz-Signature=redacted"],
  ["bucket/key?KEY", "bucket/key?redacted"],
  ["user:KEY@", "(not a URL)"],
])("%s is shown as %s", (url, shown) => {
  expect(shownUrl(url)).toBe(shown);
});

it("a path, and the command of a process, keep what may be a key", () => {
  expect([shownPath("/api/tasks"), shownPath("/api/tasks?code=KEY#x")]).toEqual(["/api/tasks", "/api/tasks?redacted"]);
  const carrier = { type: "process", command: ["node", "--token", "KEY"] } as unknown as Parameters<
    typeof shownTarget
  >[0];
  expect(shownTarget(carrier)).toBe("node (2 arguments)");
});
