import { describe, expect, it } from "vitest";
import { circles, codeAlone, importsIn, withoutComments } from "../src/sources.js";

describe("comments", () => {
  it.each([
    ["code(); // prose\nmore();", "code(); \nmore();"],
    ["a /* prose */ b /** more\nlines */ c", "a b \n c"],
    ['const url = "http://x/y"; // z', 'const url = "http://x/y"; '],
    [
      "const glob = 'src/*.ts'; hidden(); const other = 'x/*';",
      "const glob = 'src/*.ts'; hidden(); const other = 'x/*';",
    ],
    ["const path = `/* ${value /* gone */} //`; kept();", "const path = `/* ${value } //`; kept();"],
    [
      "const deep = `${`${one} // two`} /* three`; kept(); // gone",
      "const deep = `${`${one} // two`} /* three`; kept(); ",
    ],
    ["const object = `${{ a: { b } }.a} // text`;", "const object = `${{ a: { b } }.a} // text`;"],
    ["text.replace(/\\/\\*.*?\\*\\/|\\/\\//g, ''); kept();", "text.replace(/\\/\\*.*?\\*\\/|\\/\\//g, ''); kept();"],
    ["return /[/*]/.test(text); // gone", "return /[/*]/.test(text); "],
    [
      "const half = width / 2; // gone\nconst third = (a + b) / 3; /* gone */",
      "const half = width / 2; \nconst third = (a + b) / 3; ",
    ],
    ["const ratio = list[0] / 2 /* gone */ / 3;", "const ratio = list[0] / 2 / 3;"],
    ['const quote = "\\"// no"; // gone', 'const quote = "\\"// no"; '],
    ["const it = x as /* why */ string;", "const it = x as string;"],
  ])("%s", (source, code) => {
    const squeezed = (text: string): string => text.replaceAll(/ +/g, " ");
    expect(squeezed(withoutComments(source))).toBe(squeezed(code));
    expect(codeAlone(source)).toHaveLength(source.length);
  });
});

describe("imports", () => {
  it("are found in every form", () => {
    const source = `
      import { a } from "./a.js";
      import type { B } from "./b.js";
      import { type C, type D } from "./c.js";
      import { type E, f } from "./e.js";
      import * as g from "./g.js";
      import "./h.js";
      import { importsOf, exported as $import } from "./h2.js";
      export { i } from "./i.js";
      export type * from "./j.js";
      const k = await import("./k.js");
      type L = import("./l.js").L;
      import m = require("./m.js");
      import {
        n, // a comment; "with" what could end it
      } from './n.js';`;
    expect(importsIn(source).map(({ target, typeOnly }) => `${target}${typeOnly ? " type" : ""}`)).toEqual([
      "./a.js",
      "./b.js type",
      "./c.js type",
      "./e.js",
      "./g.js",
      "./h.js",
      "./h2.js",
      "./i.js",
      "./j.js type",
      "./k.js",
      "./l.js",
      "./m.js",
      "./n.js",
    ]);
  });

  it("are not found in comments, strings, templates and what only looks like one", () => {
    const source = `
      // import { a } from "./a.js";
      /* export * from "./b.js"; */
      const c = 'import "./c.js";';
      const d = \`import { d } from "./d.js";\`;
      export const from = "./e.js";
      export function f(): string { return Array.from("./f.js").join(); }
      const g = { from: "./g.js" };`;
    expect(importsIn(source)).toEqual([]);
  });
});

describe("circles", () => {
  it("are found, however long", () => {
    const graph = new Map([
      ["a", ["b"]],
      ["b", ["c", "elsewhere"]],
      ["c", ["a", "d"]],
      ["d", ["e"]],
      ["e", []],
      ["f", ["f"]],
    ]);
    expect(circles(graph)).toEqual([["a", "b", "c"], ["f"]]);
    expect(
      circles(
        new Map([
          ["a", ["b", "c"]],
          ["b", ["c"]],
          ["c", []],
        ]),
      ),
    ).toEqual([]);
  });
});
