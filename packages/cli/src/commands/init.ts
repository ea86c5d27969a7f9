import { resolve } from "node:path";
import { TEMPLATES } from "../init/manifests.js";
import { writeTemplate } from "../init/write-template.js";
import { atMost, textOption } from "../options/values.js";
import { shownFile } from "../report/shown-file.js";
import { say, sayJson } from "../report/words.js";
import { CliError, type CliIo, type Command, type CommandInput, EXIT } from "../shell/command.js";

const DEFAULT_TEMPLATE = "node";

export const init: Command = {
  name: "init",
  summary: "Writes a folder to begin with: an activity, its test, a start script and a README",
  usage: "[DIR] [OPTIONS]",
  options: {
    template: {
      type: "string",
      value: TEMPLATES.join("|"),
      help: `where the activities run; default ${DEFAULT_TEMPLATE}`,
    },
  },
  description: `DIR is made where it is not there; default the working directory. Files that are there stay, and keep the command from
writing anything. Nothing is fetched: npm install does that afterwards.`,
  examples: [
    { line: "dw-carrier init greetings", what: "activities in a Node process of their own" },
    { line: "dw-carrier init greetings --template hono", what: "activities as a route of Hono" },
  ],
  run: runInit,
};

async function runInit(input: CommandInput, io: CliIo): Promise<typeof EXIT.ok> {
  atMost(input, 1);
  const given = textOption(input, "template") ?? DEFAULT_TEMPLATE;
  const template = TEMPLATES.find((one) => one === given);
  if (template === undefined)
    throw new CliError(EXIT.usage, `--template must be ${TEMPLATES.join(", ")}; got ${given}`);
  const [dir = "."] = input.positionals;
  if (dir === "") throw new CliError(EXIT.usage, "DIR must not be empty");
  const folder = resolve(io.cwd, dir);
  const files = await writeTemplate(template, folder, io);
  if (input.json) {
    sayJson(io, { folder, template, files });
    return EXIT.ok;
  }
  const shown = shownFile(folder, io.cwd);
  say(io, `${shown === "" ? "This folder" : shown} has ${files.join(", ")}.\n`);
  say(io, "Next:\n");
  if (shown !== "") say(io, `  cd ${/^[\w./\\:-]+$/.test(shown) ? shown : JSON.stringify(shown)}`);
  say(io, "  npm install\n  npm test\n  npm run dev\n");
  say(io, "README.md tells the rest.");
  return EXIT.ok;
}
