import { isLoopbackHost } from "@durable-workflow/engine-protocol/executor-config";
import { shownUrl } from "../../net/shown-url.js";
import { carrierUrl } from "../../options/carrier-target.js";
import { namedToken, usableToken } from "../../options/tokens.js";
import { textsOption } from "../../options/values.js";
import { CliError, type CliIo, type CommandInput, type CommandOption, EXIT } from "../../shell/command.js";
import type { AppTarget } from "./attached-apps.js";

const VARIABLE = "DW_CARRIER_TOKEN";

export const APP_OPTIONS = {
  types: {
    type: "string",
    multiple: true,
    value: "[URL=]NAMES",
    help: "activity types of an app that does not tell them itself; with several apps, each with its URL",
  },
  "app-token-env": {
    type: "string",
    multiple: true,
    value: "[URL=]VARIABLE",
    help: `environment variable of the token that an app wants; default ${VARIABLE}, if set`,
  },
} as const satisfies Readonly<Record<string, CommandOption>>;

export function isAppUrl(text: string): boolean {
  return /^https?:\/\//i.test(text);
}

/**
 * The apps among the arguments of `dev`.
 *
 * @throws {CliError} for a URL that tasks may not be sent to, and options that no app, or more than one, can be meant by
 */
export function appTargets(input: CommandInput, io: Pick<CliIo, "env" | "secrets">): readonly AppTarget[] {
  const urls = input.positionals.filter(isAppUrl);
  const types = byUrl(input, "types", urls, { forAll: false });
  const variables = byUrl(input, "app-token-env", urls, { forAll: true });
  const targets = urls.map((text): AppTarget => {
    const token = tokenOf(variables.get(text), io);
    const url = checkedUrl(text, token);
    return {
      url,
      token,
      types: types
        .get(text)
        ?.split(",")
        .map((name) => name.trim())
        .filter((name) => name !== ""),
    };
  });
  const twice = urls.find((text, index) => urls.indexOf(text) !== index);
  if (twice !== undefined) throw new CliError(EXIT.usage, `${shownUrl(twice)} is named twice`);
  return targets;
}

function tokenOf(variable: string | undefined, io: Pick<CliIo, "env" | "secrets">): string | undefined {
  if (variable !== undefined) return namedToken(variable, io, "--app-token-env");
  const usual = io.env[VARIABLE];
  return usual === undefined || usual === "" ? undefined : usableToken(usual, VARIABLE, io);
}

/** What a dispatcher may send tasks to: others than http on this machine want https and a token. */
function checkedUrl(text: string, token: string | undefined): URL {
  const url = carrierUrl(text);
  if (url.protocol === "http:" && isLoopbackHost(url.hostname)) return url;
  const shown = shownUrl(url);
  if (url.protocol === "http:") {
    throw new CliError(EXIT.usage, `${shown} is not on this machine: tasks go there by https alone`);
  }
  if (token !== undefined) return url;
  throw new CliError(
    EXIT.usage,
    `${shown} is not http on this machine, and needs a token`,
    "Name the environment variable that holds it with --app-token-env.",
  );
}

/** The values of an option by the URL that they are for. */
function byUrl(
  input: CommandInput,
  name: string,
  urls: readonly string[],
  { forAll }: { readonly forAll: boolean },
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const text of textsOption(input, name)) {
    const url = urls.find((one) => text.startsWith(`${one}=`));
    const value = url === undefined ? text : text.slice(url.length + 1);
    const meant = url === undefined ? urls : [url];
    if (value === "" || isAppUrl(value))
      throw bad(name, "names a URL that is not among the arguments, or nothing for it");
    if (meant.length === 0) throw bad(name, "is for the URL of an app, and none was given");
    if (meant.length > 1 && !forAll) throw bad(name, `is for one of ${meant.length} apps: write URL=${value}`);
    for (const one of meant) found.set(one, value);
  }
  return found;
}

function bad(name: string, why: string): CliError {
  return new CliError(EXIT.usage, `--${name} ${why}`);
}
