import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { CHROMIUM, HOW_TO_GET_IT, launch, WatchedPage } from "./browser.js";
import { Stack } from "./stack.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** An engine and a browser for the tests of one file. */
export interface Suite {
  readonly stack: Stack;
  readonly browser: Browser;
  /** Opens the page, does something with it, and fails for whatever it complained of. */
  readonly visit: (
    hash: string,
    look: (page: Page, watched: WatchedPage) => Promise<void>,
    options?: BrowserContextOptions,
  ) => Promise<void>;
}

function there<Part>(part: Part | undefined): Part {
  if (part === undefined) throw new Error("the suite has not begun");
  return part;
}

/** Tests in a real browser; skipped, with the reason in their name, where there is none. */
export function inBrowser(
  name: string,
  options: { readonly works?: boolean; readonly isReadOnly?: boolean },
  tests: (suite: Suite) => void,
): void {
  const reason = CHROMIUM === undefined ? ` (${HOW_TO_GET_IT})` : "";
  describe.skipIf(CHROMIUM === undefined)(`${name}${reason}`, () => {
    let stack: Stack | undefined;
    let browser: Browser | undefined;
    beforeAll(async () => {
      [stack, browser] = await Promise.all([Stack.start(options), launch()]);
    });
    afterAll(async () => {
      await browser?.close();
      await stack?.close();
    });
    tests({
      get stack() {
        return there(stack);
      },
      get browser() {
        return there(browser);
      },
      async visit(hash, look, contextOptions) {
        const watched = await WatchedPage.open(there(browser), there(stack).url, hash, contextOptions);
        try {
          await look(watched.page, watched);
        } finally {
          await watched.close();
        }
      },
    });
  });
}

/** What axe finds wrong with a page once nothing on it moves: rule, and the elements. None is allowed. */
export async function expectAccessible(page: Page): Promise<void> {
  // The page lets no script in that is not its own; this one is evaluated by the debugger, which is no part of the page.
  await page.evaluate(AXE);
  const violations = (): Promise<readonly string[]> =>
    page.evaluate(async () => {
      const { axe } = globalThis as unknown as {
        axe: { run: (where: Document, options: object) => Promise<AxeResults> };
      };
      const { violations: found } = await axe.run(document, { resultTypes: ["violations"] });
      return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
    });
  // What fades in has too little contrast while it does.
  await expect.poll(violations, { interval: 250 }).toEqual([]);
}

interface AxeResults {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
}
