import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { beginning, visibleStretches, visibleText } from "./visible.js";

describe("text of others as it is shown", () => {
  it.each([
    ["plain, é, 漢字, 👩‍🚀", "plain, é, 漢字, 👩‍🚀"],
    ["two\nlines\tand a tab", "two\nlines\tand a tab"],
    ["invoice\u202egnp.exe", "invoice⟨U+202E⟩gnp.exe"],
    ["\u001b]0;title\u0007", "⟨U+001B⟩]0;title⟨U+0007⟩"],
    ["a\u200bb\u200dc\ufeff", "a⟨U+200B⟩b⟨U+200D⟩c⟨U+FEFF⟩"],
    ["می‌خواهم", "می‌خواهم"],
    ["\ud800 alone", "⟨U+D800⟩ alone"],
    ["tag \u{e0041}", "tag ⟨U+E0041⟩"],
    ["\u2066x\u2069\u0085", "⟨U+2066⟩x⟨U+2069⟩⟨U+0085⟩"],
  ])("%j is %j", (text, shown) => {
    expect(visibleText(text)).toBe(shown);
  });

  it("loses nothing", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const stretches = visibleStretches(text);
        expect(stretches.map((stretch) => stretch.text).join("")).toBe(text);
        expect(stretches.every((stretch) => stretch.text !== "")).toBe(true);
      }),
    );
  });
});

it.each([
  ["abc", 5, "abc"],
  ["abc", 2, "ab"],
  ["👩👩👩", 2, "👩👩"],
])("the beginning of %j, %d long, is %j", (text, most, cut) => {
  expect(beginning(text, most)).toBe(cut);
});
