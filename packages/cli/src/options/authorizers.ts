import { resolve } from "node:path";
import type { DispatcherOptions } from "@durable-workflow/dispatcher";
import { CliError, type CliIo, type CommandInput, EXIT } from "../shell/command.js";
import { textOption } from "./values.js";

export const AUTHORIZERS_OPTION = {
  authorizers: {
    type: "string",
    value: "FILE",
    help: "JSON: how requests get past AWS, Google and other walls before carriers, by auth_ref; it holds no secrets",
  },
} as const;

export type Authorizers = Exclude<NonNullable<DispatcherOptions["authorizers"]>, () => unknown>;

/**
 * The authorizers of `--authorizers FILE`; none without it. What signs is loaded when it is asked for.
 *
 * @throws {CliError} naming the field of the file that cannot be used
 */
export async function authorizersOf(input: CommandInput, io: Pick<CliIo, "cwd" | "env">): Promise<Authorizers> {
  try {
    return await readAuthorizers(input, io);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CliError(
      EXIT.config,
      `--authorizers: ${error.message}`,
      "docs/operate/dispatcher.md says what the file holds.",
    );
  }
}

/** {@link authorizersOf} while the command runs. @throws {TypeError} naming the field of the file that cannot be used */
export async function readAuthorizers(input: CommandInput, io: Pick<CliIo, "cwd" | "env">): Promise<Authorizers> {
  const path = textOption(input, "authorizers");
  if (path === undefined) return {};
  const { loadAuthorizers } = await import("@durable-workflow/dispatcher/authorizers");
  return loadAuthorizers(resolve(io.cwd, path), { environment: io.env });
}
