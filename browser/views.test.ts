import { beforeAll, expect, it } from "vitest";
import { QUEUE } from "./support/stack.js";
import { expectAccessible, inBrowser, type Suite } from "./support/suite.js";

const BIG = "9007199254740993";
const BYTES = Buffer.from([0xde, 0xad, 0xbe, 0xef]).toString("base64");

inBrowser("every view of an engine with activities", {}, (suite) => {
  beforeAll(() => prepare(suite));

  it("the overview counts, plots, and says what needs attention", async () => {
    await suite.visit("#/", async (page) => {
      await page.getByRole("heading", { name: "Overview" }).waitFor();
      const tile = (word: string) => page.locator(".tile", { hasText: word });
      await expect.poll(() => tile("succeeded").locator("strong").textContent()).toBe("13");
      await expect.poll(() => tile("failed").locator("strong").textContent()).toBe("1");
      await expect.poll(() => tile("queued").locator("strong").textContent()).toBe("1");
      await expect.poll(() => page.locator(".attention").textContent()).toMatch(/mail.*no worker/);
      await expect.poll(() => page.locator(".place").textContent()).toBe("local engine");
      await expect.poll(() => page.locator(".plot").count()).toBe(6);
      await expect.poll(() => page.getByRole("img", { name: /^started: 16/ }).count()).toBe(1);
      const queues = page.getByRole("group", { name: "Queues" });
      await expect
        .poll(() => queues.getByRole("row", { name: new RegExp(`^${QUEUE} `) }).textContent())
        .toMatch(/moving|idle/);
      await expectAccessible(page);
      await tile("failed").click();
      await expect.poll(() => page.url()).toMatch(/#\/l\?status=failed$/);
      await expect.poll(() => page.locator(".grid-body .row").count()).toBe(1);
    });
  });

  it("the list filters by status, type, queue, id and time, and keeps the filter in the address", async () => {
    await suite.visit("#/l", async (page) => {
      const rows = page.locator(".grid-body .row");
      await expect.poll(() => rows.count()).toBe(16);
      await page.getByRole("button", { name: "failed" }).click();
      await expect.poll(() => rows.count()).toBe(1);
      await page.reload();
      await expect.poll(() => rows.count()).toBe(1);
      await page.getByRole("button", { name: "Clear" }).click();
      await page.getByLabel("Id has").fill("greet-1");
      await expect.poll(() => page.url()).toMatch(/id=greet-1$/);
      await expect.poll(() => rows.count()).toBe(1);
      await page.getByRole("button", { name: "Clear" }).click();
      await page
        .getByRole("textbox", { name: "Type" })
        .or(page.getByRole("combobox", { name: "Type" }))
        .fill("flaky,export");
      await expect.poll(() => rows.count()).toBe(2);
      await page.getByRole("button", { name: "Clear" }).click();
      await page.getByRole("combobox", { name: "Queue" }).fill("mail");
      await expect.poll(() => rows.count()).toBe(1);
      await page.getByRole("button", { name: "Clear" }).click();
      await page.getByRole("combobox", { name: "Started" }).selectOption("15m");
      await expect.poll(() => rows.count()).toBe(16);
      await page.getByRole("combobox", { name: "Queue" }).fill("nothing-like-that");
      await page.getByText("No activity is like that.").waitFor();
      await expectAccessible(page);
      await page.getByRole("button", { name: "Show all" }).click();
      await expect.poll(() => rows.count()).toBe(16);
      await expectAccessible(page);
      await page.goBack();
      await expect.poll(() => page.url()).toMatch(/queue=nothing-like-that/);
    });
  });

  it("progress is a bar, and the row of a running activity says who runs it", async () => {
    await suite.visit("#/l?status=running", async (page) => {
      const row = page.locator(".grid-body .row", { hasText: "export-1" });
      await expect
        .poll(() => row.getByRole("progressbar").getAttribute("aria-valuetext"))
        .toMatch(/^\d+ of 4000 months$/);
      await expect.poll(() => row.locator(".c-now").textContent()).toMatch(/^on .+ beat \d s ago/);
    });
  });

  it("an id is found from anywhere, and a part of one leads to the list", async () => {
    await suite.visit("#/q", async (page, watched) => {
      watched.allow(/404/);
      await page.keyboard.press("/");
      await page.keyboard.type("flaky-1");
      await page.keyboard.press("Enter");
      await expect.poll(() => page.url()).toMatch(/#\/a\/flaky-1$/);
      await page.keyboard.press("/");
      await page.keyboard.type("greet-");
      await page.keyboard.press("Enter");
      await expect.poll(() => page.url()).toMatch(/#\/l\?id=greet-$/);
      await expect.poll(() => page.locator(".grid-body .row").count()).toBe(10);
    });
  });

  it("three attempts are drawn to scale, told in a table, and their failures are shown with causes", async () => {
    await suite.visit("#/a/flaky-1", async (page) => {
      await page.getByRole("heading", { name: "flaky-1" }).waitFor();
      await expect.poll(() => page.locator(".lanes .lane").count()).toBe(3);
      const gap = async (): Promise<number> => {
        const bars = [".lane:nth-child(1) .bar.run", ".lane:nth-child(1) .bar.backoff"];
        const [run, backoff] = await Promise.all(bars.map((bar) => page.locator(`.lanes ${bar}`).boundingBox()));
        return Math.abs((run?.x ?? 0) + (run?.width ?? 0) - (backoff?.x ?? Number.NaN));
      };
      // The pause begins where the attempt ends.
      await expect.poll(gap).toBeLessThan(4);
      const table = page.getByRole("group", { name: "Attempts" });
      await expect.poll(() => table.getByRole("row").count()).toBe(4);
      await expect.poll(() => table.textContent()).toContain("Error: the gateway is away (2)");
      await page.getByRole("button", { name: "Show try 2" }).click();
      await expect.poll(() => page.url()).toMatch(/try=2/);
      const failures = page.locator(".failures section");
      await expect.poll(() => failures.count()).toBe(1);
      await expect.poll(() => failures.textContent()).toContain("retryable");
      await expect.poll(() => failures.textContent()).toContain("ECONNREFUSED 10.0.3.4:443");
      await page.keyboard.press("[");
      await expect.poll(() => page.url()).toMatch(/try=1/);
      await expectAccessible(page);
    });
  });

  it("arguments and result are shown with their kinds, exact", async () => {
    await suite.visit("#/a/typed-1", async (page) => {
      const [input, result] = [
        page.getByRole("region", { name: "Arguments" }),
        page.getByRole("region", { name: "Result" }),
      ];
      await input.getByText(BIG).waitFor();
      const text = (await input.textContent()) ?? "";
      expect(text).toContain("64-bit integer");
      expect(text).toContain("0.1");
      expect(text).toMatch(/bytes 4 B\s*de ad be ef/);
      await result.getByText("9007199254740994").waitFor();
      const answer = (await result.textContent()) ?? "";
      expect(answer).toContain("9007199254740994");
      expect(answer).toMatch(/whole:\s*7\.0double/);
      expect(answer).toContain("null");
      await result.getByText("250 items").click();
      await result.getByRole("button", { name: "Show 150 more of 250" }).click();
      await expect.poll(() => result.getByText("249", { exact: true }).count()).toBeGreaterThan(0);
      await result.getByRole("button", { name: "JSON", exact: true }).click();
      const json = JSON.parse((await result.locator("pre").textContent()) ?? "");
      expect(json).toMatchObject({
        next: { $type: "long", value: "9007199254740994" },
        whole: { $type: "double", value: "7.0" },
      });
    });
  });

  it("a result that the engine keeps apart is fetched when asked for, checked, a part at a time", async () => {
    await suite.visit("#/a/large-1", async (page) => {
      const result = page.getByRole("region", { name: "Result" });
      await result.getByText("Kept apart by the engine.").waitFor();
      await expect.poll(() => result.locator("pre").count()).toBe(0);
      await result.getByRole("button", { name: /^Fetch 5\.0 MB/ }).click();
      await result.getByText("Size and SHA-256 are those of the reference.").waitFor();
      const shownLength = async (): Promise<number> => (await result.locator("pre").textContent())?.length ?? 0;
      await expect.poll(shownLength).toBe(65_536);
      await result.getByRole("button", { name: "Next 64 KiB" }).click();
      await result.getByText("part 2 of 77").waitFor();
      await expect.poll(shownLength).toBe(65_536);
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        result.getByRole("link", { name: "Download" }).click(),
      ]);
      expect(download.suggestedFilename()).not.toBe("");
      await expectAccessible(page);
    });
  });

  it("history, documents and options are there, with deadlines that count down", async () => {
    await suite.visit("#/a/export-1", async (page) => {
      await page
        .getByRole("list", { name: "Deadlines" })
        .getByText(/in \d+ s/)
        .first()
        .waitFor();
      await page.getByRole("tab", { name: "History" }).click();
      await page.getByText("ActivityScheduled").first().waitFor();
      await page.getByText("ActivityScheduled").first().click();
      await expect.poll(() => page.locator("pre").first().textContent()).toContain("export");
      await expectAccessible(page);
      await page.keyboard.press("4");
      await page.getByText("GET /api/activities/export-1").waitFor();
      await expectAccessible(page);
      await page.keyboard.press("5");
      await page.getByRole("region", { name: "Options" }).getByText("30 s").waitFor();
      await expectAccessible(page);
    });
  });

  it("a queue shows its workers, and the types they take", async () => {
    await suite.visit("#/q", async (page, watched) => {
      await page.getByRole("link", { name: QUEUE, exact: true }).click();
      await page.getByRole("heading", { name: `Queue ${QUEUE}` }).waitFor();
      await expect.poll(() => page.getByRole("group", { name: "Workers" }).textContent()).toContain("asking");
      await expectAccessible(page);
      await watched.press("q", /#\/q$/);
      await page.getByRole("heading", { name: "Queues" }).waitFor();
      await expectAccessible(page);
    });
  });

  it("an id that nobody has is told, and so is an address that leads nowhere", async () => {
    await suite.visit("#/a/no-such", async (page, watched) => {
      watched.allow(/404/);
      await page.getByRole("alert").waitFor();
      await expectAccessible(page);
      await watched.show("#/nowhere/at/all");
      await page.getByText("This address leads to no view").waitFor();
      await expectAccessible(page);
    });
  });

  it.each(["light", "dark"] as const)("at 360 px nothing runs over, %s", async (colorScheme) => {
    const options = { colorScheme, viewport: { width: 360, height: 740 }, reducedMotion: "reduce" as const };
    await suite.visit(
      "#/",
      async (page, watched) => {
        for (const hash of ["#/", "#/l", "#/a/flaky-1", "#/a/typed-1", `#/q/${QUEUE}`, "#/start"]) {
          await watched.show(hash);
          await page.waitForTimeout(250);
          await expect
            .poll(() => page.evaluate(() => document.documentElement.scrollWidth), { message: hash })
            .toBe(360);
          if (hash !== "#/a/typed-1") await expectAccessible(page);
        }
      },
      options,
    );
  });

  it("the keyboard alone goes through the list, into an activity, and back, with its focus seen", async () => {
    await suite.visit("#/l", async (page) => {
      await expect.poll(() => page.locator(".grid-body .row").count()).toBe(16);
      await page.keyboard.press("j");
      await page.keyboard.press("j");
      const focused = page.locator(".row:focus");
      await expect.poll(() => focused.getAttribute("data-index")).toBe("1");
      await expect.poll(() => focused.evaluate((row) => getComputedStyle(row).outlineStyle)).toBe("solid");
      await page.keyboard.press("Enter");
      await expect.poll(() => page.url()).toMatch(/#\/a\//);
      await page.getByRole("tab", { name: "Data" }).waitFor();
      await page.keyboard.press("Escape");
      await expect.poll(() => page.url()).toMatch(/#\/l$/);
      await page.keyboard.press("?");
      await page.getByRole("dialog").waitFor();
      await expectAccessible(page);
      await page.getByLabel("Keys of a single letter are on").uncheck();
      await page.keyboard.press("Escape");
      await page.keyboard.press("?");
      await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
    });
  });

  it("times are in the viewer's zone, with the instant on hover; t changes to UTC", async () => {
    await suite.visit(
      "#/a/flaky-1",
      async (page) => {
        const time = page.locator(".activity-facts time").first();
        const [shown, title] = [await time.textContent(), await time.getAttribute("title")];
        const instant = /\((.+Z)\)$/.exec(title ?? "")?.[1] ?? "";
        expect(title).toContain("UTC+05:45");
        const there = new Date(Date.parse(instant) + 345 * 60_000).toISOString();
        expect(shown).toBe(there.slice(11, 19));
        await page.keyboard.press("t");
        await expect.poll(() => time.textContent()).toContain(instant.slice(11, 19));
      },
      { timezoneId: "Asia/Kathmandu" },
    );
  });
});

/** Ten that succeed at once, and one of each kind that is told apart. */
async function prepare({ stack }: Suite): Promise<void> {
  const { client } = stack;
  const start = (id: string, type: string, input: readonly unknown[] | object, more: object = {}) =>
    client.started(type, QUEUE, { activity_id: id, input, ...more });
  for (let index = 0; index < 10; index++) await start(`greet-${index}`, "greet", [`Ada ${index}`]);
  await start("flaky-1", "flaky", ["1"], { retry_policy: { max_attempts: 3, backoff_seconds: [1, 1] } });
  await start("declined-1", "decline", ["card_declined"]);
  await start("export-1", "export", [4000], { heartbeat_timeout_seconds: 30 });
  await start("large-1", "large", [5_000_000]);
  const typed = { action: "start", type: "typed", queue: QUEUE, id: "typed-1" };
  const input = `[{"$type":"long","value":"${BIG}"}, 0.1, {"$type":"bytes","base64":"${BYTES}"}]`;
  const answer = await fetch(`${stack.url}inspect/action`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-dw-inspector": "1" },
    body: JSON.stringify({ ...typed, input }),
  });
  expect(await answer.json()).toMatchObject({ done: true });
  await client.started("nobody.takes", "mail", { activity_id: "lonely-1", input: [1] });
  for (const id of ["flaky-1", "declined-1", "large-1", "typed-1"]) await client.describe(id, "?wait=20");
}
