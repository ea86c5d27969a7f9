import { existsSync } from "node:fs";
import { PATIENCE_MS } from "@durable-workflow/test-support/patience";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { expect } from "vitest";

const CANDIDATES = [
  process.env["CHROMIUM"],
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** The Chromium of this machine; undefined where there is none. */
export const CHROMIUM = CANDIDATES.find((path) => path !== undefined && existsSync(path));
export const HOW_TO_GET_IT = "no Chromium: apt-get install chromium, or set CHROMIUM to the path of one";

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM ?? "", args: ["--no-sandbox", "--js-flags=--expose-gc"] });
}

/** A page that fails the test for what it says in its console, for errors, and for requests to anywhere but its own origin. */
export class WatchedPage {
  readonly page: Page;
  private readonly complaints: string[] = [];
  private readonly allowed: RegExp[] = [];

  private constructor(page: Page, origin: string) {
    this.page = page;
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.complain(message.text());
    });
    page.on("pageerror", (error) => {
      this.complain(`uncaught: ${error.message}`);
    });
    page.on("dialog", (dialog) => {
      this.complain(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("request", (request) => {
      if (new URL(request.url()).origin !== origin) this.complain(`request: ${request.url()}`);
    });
  }

  static async open(
    browser: Browser,
    url: string,
    hash = "#/",
    options: BrowserContextOptions = {},
  ): Promise<WatchedPage> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const watched = new WatchedPage(page, new URL(url).origin);
    await page.goto(url + hash);
    return watched;
  }

  /** Goes to another view, as a link of the page does. */
  async show(hash: string): Promise<void> {
    await this.page.evaluate((to) => {
      location.hash = to;
    }, hash);
  }

  /** Goes to another view by its two keys; they count as such only where the second comes soon after the first. */
  async press(second: string, arrived: RegExp): Promise<void> {
    const { page } = this;
    const pressed = async (): Promise<string> => {
      await page.keyboard.press("g");
      await page.keyboard.press(second);
      return page.url();
    };
    await expect.poll(pressed).toMatch(arrived);
  }

  /** Complaints that a test brings about on purpose, such as those of a connection that it cuts. */
  allow(complaint: RegExp): void {
    this.allowed.push(complaint);
  }

  /** @throws unless nothing was complained of */
  async close(): Promise<void> {
    await this.page.context().close();
    expect(this.complaints.filter((text) => !this.allowed.some((one) => one.test(text)))).toEqual([]);
  }

  private complain(text: string): void {
    this.complaints.push(text);
  }
}
