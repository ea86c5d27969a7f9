import type { Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import { HOSTILE } from "./support/activities.js";
import { QUEUE } from "./support/stack.js";
import { inBrowser } from "./support/suite.js";

const LONG = `${"long.".repeat(50)}end`;
const ID = `a.very:long_id-${"x".repeat(110)}`;

/** Elements that only others' text could have brought. */
async function expectUnharmed(page: Page): Promise<void> {
  expect(await page.evaluate(() => (globalThis as { harmed?: number }).harmed)).toBeUndefined();
  await expect.poll(() => page.locator("#app img, #app script, #app iframe, #app style").count()).toBe(0);
}

inBrowser("what others wrote is text", {}, (suite) => {
  beforeAll(async () => {
    const { client } = suite.stack;
    const end = { activity_id: "hostile-1", input: [HOSTILE], business_key: HOSTILE };
    await client.started("hostile", QUEUE, end);
    await client.started(HOSTILE, HOSTILE.slice(0, 200), { activity_id: "hostile-2", input: { [HOSTILE]: HOSTILE } });
    await client.started(LONG, LONG, { activity_id: ID, input: [LONG] });
    await client.register(HOSTILE.slice(0, 120), HOSTILE.slice(0, 200), [HOSTILE]);
    await client.started("large", QUEUE, { activity_id: "large-1", input: [5_000_000] });
    await client.started("greet", QUEUE, { activity_id: "large-2", input: ["\u0000\u202e<b>".repeat(20_000)] });
    for (const id of ["hostile-1", "large-1", "large-2"]) await client.describe(id, "?wait=20");
  });

  it.each([
    "#/",
    "#/l",
    "#/q",
    "#/a/hostile-1",
    "#/a/hostile-1?tab=data",
    "#/a/hostile-1?tab=history",
    "#/a/hostile-1?tab=documents",
    "#/a/hostile-1?tab=options",
    "#/a/hostile-2",
    `#/a/${encodeURIComponent(ID)}`,
    `#/q/${encodeURIComponent(HOSTILE.slice(0, 200))}`,
    `#/start?like=hostile-2`,
  ])("%s", async (hash) => {
    await suite.visit(hash, async (page) => {
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.waitForTimeout(400);
      for (const summary of await page.locator("main details:not([open]) > summary").all()) {
        if (await summary.isVisible()) await summary.click();
      }
      await expectUnharmed(page);
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
      // What turns the direction of writing is named, and never drawn, wherever text is.
      const drawn = await page.evaluate(() => document.body.innerText + document.title);
      expect(drawn.replaceAll(/[\n\t]/g, "")).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
    });
  });

  it("a message with markup and control characters is read to its last character", async () => {
    await suite.visit("#/a/hostile-1", async (page) => {
      const message = page.locator(".failure .message");
      await message.waitFor();
      const shown = HOSTILE.replaceAll(/[\p{Cc}\u202e]/gu, (character) => {
        const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
        return `⟨U+${code}⟩`;
      });
      await expect.poll(() => message.textContent()).toBe(shown);
    });
  });

  it("addresses that somebody made up break nothing", async () => {
    await suite.visit("#/", async (page, watched) => {
      watched.allow(/40\d/);
      for (const hash of [
        `#/a/${encodeURIComponent(HOSTILE)}`,
        `#/l?status=__proto__&type=${encodeURIComponent(HOSTILE)}`,
        "#/l?since=%3Cscript%3E",
        `#/q/${encodeURIComponent(HOSTILE)}`,
        "#/a/100%",
        "#/constructor",
        "#/start?like=%ff",
      ]) {
        await watched.show(hash);
        await page.waitForTimeout(250);
        await expectUnharmed(page);
        await expect.poll(() => page.getByRole("heading", { level: 1 }).count(), { message: hash }).toBe(1);
      }
    });
  });

  it("5 MB of control characters are a page like any other", async () => {
    await suite.visit("#/a/large-2", async (page) => {
      const input = page.getByRole("region", { name: "Arguments" });
      await input
        .getByText(/Fetch|items?/)
        .first()
        .waitFor();
      const fetchIt = input.getByRole("button", { name: /^Fetch/ });
      if ((await fetchIt.count()) > 0) {
        await fetchIt.click();
        await input.locator("pre").waitFor();
      }
      await expectUnharmed(page);
      await expect.poll(() => input.innerText()).toContain("U+202E");
    });
  });
});
