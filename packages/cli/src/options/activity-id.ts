import { ACTIVITY_ID } from "@durable-workflow/client/tools";
import { CliError, type CommandInput, EXIT } from "../shell/command.js";
import { textOption } from "./values.js";

/**
 * The id that an activity is to be started under; undefined for a new one.
 *
 * @throws {CliError} with exit code 2 for one that no engine takes
 */
export function activityIdOption(input: CommandInput): string | undefined {
  const id = textOption(input, "id");
  const [isActivityId, what] = ACTIVITY_ID;
  if (id === undefined || isActivityId(id)) return id;
  throw new CliError(EXIT.usage, `--id must be ${what}; got ${id}`, "Leave it out for an id that is made for you.");
}
