import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { QUEUE } from "./support/stack.js";
import { expectAccessible, inBrowser } from "./support/suite.js";

const rows = (page: Page) => page.locator(".grid-body .row");

inBrowser("the page is live", {}, (suite) => {
  const greet = (id: string): Promise<unknown> =>
    suite.stack.client.started("greet", QUEUE, { activity_id: id, input: ["Ada"] });

  it("an engine that never saw an activity says how to begin", async () => {
    await suite.visit("#/l", async (page, watched) => {
      await page.getByText("No activity was ever started here.").waitFor();
      await expectAccessible(page);
      await watched.press("o", /#\/$/);
      await page.getByText("No activity was ever started here.").waitFor();
      await expectAccessible(page);
    });
  });

  it("what is started appears by itself at the top, and waits behind a counter where somebody reads", async () => {
    await greet("live-0");
    await suite.visit("#/l", async (page) => {
      await expect.poll(() => rows(page).count()).toBe(1);
      await page.mouse.move(5, 5);
      await greet("live-1");
      await expect.poll(() => rows(page).first().textContent()).toContain("live-1");
      await expect.poll(() => rows(page).first().textContent()).toContain("succeeded");
      await page.keyboard.press("j");
      await greet("live-2");
      await page.getByRole("button", { name: /1 new/ }).waitFor();
      await expect.poll(() => rows(page).count()).toBe(2);
      await expect.poll(() => rows(page).first().textContent()).toContain("live-1");
      await page.keyboard.press("n");
      await expect.poll(() => rows(page).count()).toBe(3);
    });
  });

  it("paused, nothing moves; going on shows what was missed", async () => {
    await suite.visit("#/l", async (page) => {
      await expect.poll(() => rows(page).count()).toBe(3);
      await page.keyboard.press("p");
      await greet("paused-1");
      await page.getByText(/paused, \d+ change/).waitFor();
      await expect.poll(() => rows(page).count()).toBe(3);
      await page.keyboard.press("p");
      await expect.poll(() => rows(page).first().textContent()).toContain("paused-1");
    });
  });

  it("an activity that is looked at is followed to its end", async () => {
    await suite.stack.client.started("export", QUEUE, {
      activity_id: "follow-1",
      input: [40],
      heartbeat_timeout_seconds: 30,
    });
    await suite.visit("#/a/follow-1", async (page) => {
      const status = page.locator(".activity-title .status");
      await expect.poll(() => status.textContent()).toBe("running");
      await expect.poll(() => page.getByRole("group", { name: "Attempts" }).textContent()).toMatch(/\d+ of 40 months/);
      await expect.poll(() => status.textContent()).toBe("succeeded");
      await expect.poll(() => page.getByRole("region", { name: "Result" }).textContent()).toContain("40");
    });
  });

  it("an engine that ends is told of at once, and the page goes on when it is back", async () => {
    await suite.visit("#/l", async (page, watched) => {
      watched.allow(/Failed to load resource|ERR_/);
      await expect.poll(() => rows(page).count()).toBe(5);
      await suite.stack.stop();
      await page.getByText("offline since").waitFor();
      await page.getByText("does not answer").first().waitFor();
      await expect.poll(() => rows(page).count()).toBe(5);
      await expectAccessible(page);
      await suite.stack.listen();
      await expect.poll(() => page.locator(".pill").textContent()).toBe("live");
      await expect.poll(() => page.locator(".banner").count()).toBe(0);
      await expect.poll(() => page.getByText("The page is live again.").count()).toBe(1);
      await page.mouse.move(5, 5);
      await greet("back-1");
      await expect.poll(() => rows(page).first().textContent()).toContain("back-1");
    });
  });
});

/** As many as an engine has soon. */
const MANY = 10_000;
const BATCH = 100;

inBrowser("many activities", { works: false }, (suite) => {
  it("a list of 10,000 is scrolled through with few elements, no stall, and nobody seen twice", async () => {
    const { client } = suite.stack;
    for (let from = 0; from < MANY; from += BATCH) {
      await Promise.all(
        Array.from({ length: BATCH }, (_, index) =>
          client.started("wait", QUEUE, { activity_id: `many-${from + index}`, input: [] }),
        ),
      );
    }
    await suite.visit(
      "#/l",
      async (page) => {
        await expect.poll(() => rows(page).count()).toBeGreaterThan(20);
        await page.evaluate(() => {
          const stalls: number[] = [];
          Object.assign(globalThis, { stalls });
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) stalls.push(entry.duration);
          }).observe({ entryTypes: ["longtask"] });
        });
        const seen = new Set<string>();
        let most = 0;
        let looks = 0;
        // The list grows as it is read: its end comes last, once it says how many there are.
        for (let isEnd = false; !isEnd; ) {
          const look = await page.evaluate(async (patienceMs) => {
            const isDrawn = (): boolean => {
              const top = document.querySelector(".grid-body")?.getBoundingClientRect().top ?? 0;
              const first = Math.ceil(Math.max(0, -top) / 32);
              const isThere = document.querySelector(`[data-index="${first}"]:not(.blank)`) !== null;
              return isThere && document.querySelector(".row.blank") === null;
            };
            // Rows that are still asked for are drawn as "…"; whoever reads waits for them, and a frame more.
            const until = performance.now() + patienceMs;
            for (let frames = 0; frames < 2 || (!isDrawn() && performance.now() < until); frames++) {
              await new Promise((resolve) => {
                requestAnimationFrame(resolve);
              });
            }
            const ids = [...document.querySelectorAll(".grid-body .row .c-id")].map((cell) => cell.textContent);
            const tools = document.querySelector(".list-tools")?.textContent ?? "";
            const isWhole = isDrawn();
            const before = scrollY;
            scrollBy(0, innerHeight * 0.8);
            return { ids, tools, isWhole, isEnd: scrollY === before && !tools.includes("more below") };
          }, 60_000);
          expect(look, "rows stay blank").toMatchObject({ isWhole: true });
          most = Math.max(most, look.ids.length);
          looks++;
          expect(new Set(look.ids).size).toBe(look.ids.length);
          for (const id of look.ids) seen.add(id);
          ({ isEnd } = look);
        }
        expect(seen.size).toBe(MANY);
        expect(most).toBeLessThan(120);
        expect(await page.evaluate(() => document.querySelectorAll("*").length)).toBeLessThan(2500);
        await expect.poll(() => page.locator(".list-tools").textContent()).toContain("10\u202f000 activities");
        const stalls = await page.evaluate(() => (globalThis as unknown as { stalls: number[] }).stalls);
        // What costs too much stalls at most looks; a machine that is busy, and stops the page for a while, at some.
        expect(stalls.filter((ms) => ms > 1000).length).toBeLessThan(looks / 4);
        await page.keyboard.press("Home");
        await expect.poll(() => page.locator('.row[data-index="0"]').textContent()).toContain(`many-${MANY - 1}`);
      },
      { viewport: { width: 1280, height: 2400 } },
    );
  });

  it("a long burst of events leaves memory and elements where they were", async () => {
    const { client } = suite.stack;
    const types = ["burst"];
    await client.register("w", "burst", types, {});
    await suite.visit("#/l", async (page) => {
      await expect.poll(() => rows(page).count()).toBeGreaterThan(20);
      const weigh = (): Promise<{ heap: number; elements: number }> =>
        page.evaluate(() => {
          const { gc } = globalThis as unknown as { gc: () => void };
          gc();
          const { memory } = performance as unknown as { memory: { usedJSHeapSize: number } };
          return { heap: memory.usedJSHeapSize, elements: document.querySelectorAll("*").length };
        });
      const burst = async (name: string, batches: number): Promise<void> => {
        for (let batch = 0; batch < batches; batch++) {
          await Promise.all(
            Array.from({ length: BATCH }, async (_, index) => {
              const id = `${name}-${batch}-${index}`;
              await client.started("burst", "burst", { activity_id: id, input: [] });
              await client.call("POST", `/api/workflows/${id}/cancel`, {});
            }),
          );
        }
      };
      await burst("warm", 5);
      const before = await weigh();
      await burst("hot", 30);
      await page.waitForTimeout(1000);
      const after = await weigh();
      // 6,000 events: each kept would be several megabytes.
      expect(after.heap - before.heap).toBeLessThan(15_000_000);
      expect(after.elements).toBeLessThan(before.elements + 200);
    });
  });
});
