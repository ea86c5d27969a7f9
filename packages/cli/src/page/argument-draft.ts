import type { AvroValue } from "@durable-workflow/carrier/payload";
import { inputShape } from "@durable-workflow/inspector";
import { CliError, EXIT } from "../shell/command.js";
import { printable } from "../shell/terminal-text.js";
import { schemaViolations } from "./schema-violations.js";

/** Lines of a schema that are shown to somebody who edits arguments. */
const MOST_LINES = 400;

/** Arguments as they are begun with, and looked at, where it is known what they look like, or not. */
export class ArgumentDraft {
  private readonly type: string;
  private readonly schema: Readonly<Record<string, unknown>> | undefined;

  /** @param schema a JSON Schema of the list of them; undefined where nothing is known of them */
  constructor(type: string, schema: Readonly<Record<string, unknown>> | undefined) {
    this.type = type;
    this.schema = schema;
  }

  /** A document to fill in, with what is known of it in lines that begin with `//`. */
  get text(): string {
    const head = [
      `Arguments of ${JSON.stringify(this.type)}: a JSON list with one item for each. Lines that begin with // are passed over.`,
      "Where it is left as it is, or emptied, nothing is started.",
    ];
    const { schema } = this;
    if (schema === undefined) {
      const unknown = "No carrier or worker has said what they look like.";
      return printable(`${commented([...head, unknown])}[]\n`);
    }
    const shape = inputShape(schema);
    const list = JSON.stringify(Array.isArray(shape) ? shape : [shape], null, 2);
    const lines = JSON.stringify(schema, null, 2).split("\n");
    const told = lines.length > MOST_LINES ? [...lines.slice(0, MOST_LINES), "..."] : lines;
    const foot = ["What their carrier says of them, as JSON Schema:", ...told];
    return printable(`${commented(head)}${list}\n\n${commented(foot)}`);
  }

  /** @throws {CliError} for arguments that are not as they should be */
  check(args: readonly AvroValue[]): void {
    const violations = this.schema === undefined ? [] : schemaViolations(this.schema, args);
    if (violations.length === 0) return;
    const what = `the arguments are not what ${this.type} takes: ${violations.join("; ")}`;
    throw new CliError(EXIT.usage, what, "Given on the command line, they are sent as they are.");
  }
}

function commented(lines: readonly string[]): string {
  return lines.map((line) => `// ${line}\n`).join("");
}
