import { spawn } from "node:child_process";
import type { CliIo } from "../shell/command.js";

/** What opens a URL, by platform. The URL is our own, and no shell sees it. */
const OPENERS: Readonly<Record<string, readonly string[]>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/** Opens a page in the user's browser; where that does not work, the URL that was printed has to do. */
export function openPage(
  url: string,
  { env, err }: Pick<CliIo, "env" | "err">,
  platform: string = process.platform,
): void {
  const [program = "", ...args] = env["BROWSER"] === undefined ? (OPENERS[platform] ?? ["xdg-open"]) : [env["BROWSER"]];
  const child = spawn(program, [...args, url], { stdio: "ignore", detached: true });
  child.once("error", () => {
    err(`No browser could be opened (${program}): open the page by its URL.\n`);
  });
  child.unref();
}
