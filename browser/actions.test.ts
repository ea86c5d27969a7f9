import { expect, it } from "vitest";
import { QUEUE } from "./support/stack.js";
import { expectAccessible, inBrowser } from "./support/suite.js";

inBrowser("every action", {}, (suite) => {
  const started = async (id: string, type = "export", input: readonly unknown[] = [4000]): Promise<void> => {
    await suite.stack.client.started(type, QUEUE, { activity_id: id, input, heartbeat_timeout_seconds: 30 });
  };
  const status = async (id: string): Promise<string> => (await suite.stack.client.describe(id)).status;

  it("cancel asks, shows the command, and tells what came of it; leaving it does nothing", async () => {
    await started("cancel-1");
    await suite.visit("#/a/cancel-1", async (page) => {
      await page.getByRole("button", { name: /^Cancel/ }).waitFor();
      await page.keyboard.press("c");
      const dialog = page.getByRole("dialog");
      await expect.poll(() => dialog.locator("pre").textContent()).toMatch(/^dw-carrier cancel cancel-1/);
      await expectAccessible(page);
      await dialog.getByRole("button", { name: "Leave it" }).click();
      await expect.poll(() => status("cancel-1")).toBe("running");
      await page.keyboard.press("c");
      await dialog.getByLabel("Reason, for the history").fill("no longer wanted");
      await expect.poll(() => dialog.locator("pre").textContent()).toContain("no longer wanted");
      await dialog.getByRole("button", { name: "Cancel it" }).click();
      await dialog.getByText("✓").waitFor();
      await expectAccessible(page);
      await dialog.getByRole("button", { name: "Close" }).last().click();
      await expect.poll(() => page.locator(".activity-title .status").textContent()).toBe("cancelled");
      await expect.poll(() => page.getByRole("button", { name: /^Cancel/ }).count()).toBe(0);
    });
    expect(await status("cancel-1")).toBe("cancelled");
  });

  it("terminate asks, and does", async () => {
    await started("terminate-1");
    await suite.visit("#/a/terminate-1", async (page) => {
      await page.getByRole("button", { name: "Terminate" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("button", { name: "Terminate it" }).click();
      await dialog.getByText("✓").waitFor();
    });
    expect(await status("terminate-1")).toBe("terminated");
  });

  it("an action that comes too late tells what the engine said", async () => {
    await started("late-1");
    await suite.visit("#/a/late-1", async (page) => {
      await page.getByRole("button", { name: /^Cancel/ }).click();
      await page.getByRole("dialog").getByText("dw-carrier cancel").waitFor();
      await suite.stack.client.call("POST", "/api/workflows/late-1/cancel", {});
      await page.getByRole("dialog").getByRole("button", { name: "Cancel it" }).click();
      await expect.poll(() => page.locator(".outcome .problem, .outcome").first().textContent()).not.toContain("✓");
    });
  });

  it("start again: the same arguments under a new id", async () => {
    await started("again-1", "greet", ["Grace"]);
    await suite.visit("#/a/again-1", async (page) => {
      await page.getByRole("button", { name: "Start again" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("button", { name: "Start again" }).click();
      await dialog.getByRole("link", { name: "Open it" }).click();
      await expect.poll(() => page.url()).not.toContain("again-1");
      await expect.poll(() => page.getByRole("region", { name: "Result" }).textContent()).toContain("Hello, Grace");
    });
  });

  it("start like this, with edited arguments, exact to the last bit", async () => {
    const input =
      '[{"$type":"long","value":"9223372036854775806"}, 0.2345678901234568, {"$type":"bytes","base64":"3q2+7w=="}]';
    await suite.visit("#/start", async (page, watched) => {
      await page.getByRole("combobox", { name: "Type" }).fill("typed");
      await page.getByLabel("Id", { exact: true }).fill("exact-1");
      await page.getByLabel(/^Arguments/).fill(input);
      await page.getByText("3 arguments").waitFor();
      await page.getByRole("button", { name: "Start", exact: true }).click();
      await page.getByRole("dialog").getByRole("link", { name: "Open it" }).click();
      await expect
        .poll(() => page.getByRole("region", { name: "Result" }).textContent())
        .toContain("9223372036854775807");
      await watched.show("#/start?like=exact-1");
      const area = page.getByLabel(/^Arguments/);
      await expect.poll(async () => JSON.parse((await area.inputValue()) || "null")).toEqual(JSON.parse(input));
      const shown = await area.inputValue();
      await area.fill(shown.replace("9223372036854775806", "9223372036854775805"));
      await page.getByLabel("Id", { exact: true }).fill("exact-2");
      await page.keyboard.press("Control+Enter");
      await page.getByRole("dialog").getByRole("link", { name: "Open it" }).click();
      await expect
        .poll(() => page.getByRole("region", { name: "Result" }).textContent())
        .toContain("9223372036854775806");
    });
  });

  it("start new: types of workers are offered, what is no JSON is told, options count", async () => {
    await suite.visit("#/start", async (page) => {
      await expect.poll(() => page.locator("#start-types option").count()).toBeGreaterThan(5);
      await page.getByRole("combobox", { name: "Type" }).fill("decline");
      await page.getByText("✓ 1 worker takes it.").waitFor();
      await page.getByLabel(/^Arguments/).fill('["card"');
      await page.locator("#arguments-say.problem").waitFor();
      await page.getByRole("button", { name: "Start", exact: true }).click();
      await page.getByRole("alert").waitFor();
      await page.getByLabel(/^Arguments/).fill('["card_1"]');
      await page.getByText("Tries, backoff, timeouts").click();
      await page.getByLabel("Tries, at most").fill("4");
      await page.getByLabel("Id", { exact: true }).fill("new-1");
      await expect
        .poll(() => page.locator(".command pre").textContent())
        .toMatch(/^dw-carrier start decline .*--max-attempts 4/);
      await expectAccessible(page);
      await page.getByRole("button", { name: "Start", exact: true }).click();
      await page.getByRole("dialog").getByText("✓").waitFor();
    });
    await expect.poll(() => status("new-1")).toBe("failed");
  });

  it("start new: what a carrier says of its arguments is shown, and begun with", async () => {
    await suite.visit("#/start?type=charge", async (page) => {
      await page.getByText("✓ 1 worker takes it.").waitFor();
      const said = page.getByText("What the carrier says of them");
      await said.click();
      await page.getByText("the card's number").waitFor();
      await expectAccessible(page);
      await page.getByRole("button", { name: "Begin with this shape" }).click();
      const area = page.getByLabel(/^Arguments/);
      const shape = ["", { cents: 1, currency: "EUR" }];
      await expect.poll(async () => JSON.parse((await area.inputValue()) || "null")).toEqual(shape);
      await area.fill((await area.inputValue()).replace('""', '"4242"'));
      await page.getByLabel("Id", { exact: true }).fill("charge-1");
      await page.getByRole("button", { name: "Start", exact: true }).click();
      await page.getByRole("dialog").getByRole("link", { name: "Open it" }).click();
      await expect.poll(() => page.getByRole("region", { name: "Result" }).textContent()).toContain("4242 pays 1 EUR");
    });
    // Of one that says nothing there is nothing to show.
    await suite.visit("#/start?type=greet", async (page) => {
      await page.getByText("✓ 1 worker takes it.").waitFor();
      await expect.poll(() => page.getByText("What the carrier says of them").count()).toBe(0);
    });
  });

  it("a queue is drained and resumed", async () => {
    await suite.visit(`#/q/${QUEUE}`, async (page) => {
      await page.getByRole("button", { name: "Drain" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("button", { name: "Drain it" }).click();
      await dialog.getByText("✓").waitFor();
      await dialog.getByRole("button", { name: "Close" }).last().click();
      await page.getByText("Draining since").waitFor();
      expect((await suite.stack.client.start("greet", QUEUE, { input: ["x"] })).status).toBe(409);
      await page.getByRole("button", { name: "Resume" }).click();
      await dialog.getByRole("button", { name: "Resume it" }).click();
      await dialog.getByText("✓").waitFor();
      expect((await suite.stack.client.start("greet", QUEUE, { input: ["x"] })).status).toBe(201);
    });
  });

  it("what is copied is the JSON, and a command that starts the same", async () => {
    await started("copy-1", "greet", ["Ada"]);
    const options = { permissions: ["clipboard-read", "clipboard-write"] };
    await suite.visit(
      "#/a/copy-1",
      async (page) => {
        const clipboard = (): Promise<string> => page.evaluate(() => navigator.clipboard.readText());
        await page.getByRole("region", { name: "Arguments" }).getByRole("button", { name: "Copy as JSON" }).click();
        await expect.poll(clipboard).toBe('[\n  "Ada"\n]');
        await page.getByRole("button", { name: "Copy start command" }).click();
        await expect.poll(clipboard).toMatch(/^dw-carrier start greet '\["Ada"\]'/);
        await page.keyboard.press("y");
        await expect.poll(clipboard).toBe("copy-1");
      },
      options,
    );
  });
});

inBrowser("a page that may only look", { works: false, isReadOnly: true }, (suite) => {
  it("says so, and offers nothing that would be refused", async () => {
    await suite.stack.client.started("greet", QUEUE, { activity_id: "look-1", input: ["Ada"] });
    await suite.visit("#/a/look-1", async (page) => {
      await page.getByText("--read-only").first().waitFor();
      await expect.poll(() => page.getByRole("button", { name: /^Cancel/ }).getAttribute("aria-disabled")).toBe("true");
      await page.keyboard.press("c");
      await expect.poll(() => page.getByRole("dialog").count()).toBe(0);
      await expectAccessible(page);
    });
  });
});
