import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readRoute, writeRoute } from "./route.js";

describe("routes", () => {
  it("every id and every filter comes back as it went in", () => {
    const part = fc.string({ unit: "grapheme", minLength: 1 });
    fc.assert(
      fc.property(fc.array(part), fc.dictionary(part, part, { noNullPrototype: true }), (path, query) => {
        // What a browser does to a fragment: what is written is ASCII already.
        const written = new URL(writeRoute(path, query), "https://a.test/x/").hash;
        expect(readRoute(written)).toEqual({ path, query });
      }),
    );
  });

  it.each([
    ["", { path: [], query: {} }],
    ["#", { path: [], query: {} }],
    ["#/a/100%", { path: ["a", "100%"], query: {} }],
    ["#/l?q=a+b&&x", { path: ["l"], query: { q: "a+b", x: "" } }],
    ["#/l?__proto__=1", { path: ["l"], query: Object.fromEntries([["__proto__", "1"]]) }],
  ])("%j is read", (hash, route) => {
    expect(readRoute(hash)).toEqual(route);
  });

  it("leaves out what nobody chose", () => {
    expect(writeRoute(["l"], { status: "", queue: undefined, type: "a/b" })).toBe("#/l?type=a%2Fb");
  });
});
