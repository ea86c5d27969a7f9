import type { Overview } from "@durable-workflow/inspector";
import { CONNECTION_OPTIONS, connectionOf } from "../engine/connection.js";
import { atMost } from "../options/values.js";
import { asCliError, viewsOf } from "../page/views.js";
import { inOneLine, say } from "../report/words.js";
import { type CliIo, type Command, type CommandInput, EXIT } from "../shell/command.js";

const MOST_QUEUES = 20;
const MOST_ATTENTION = 10;

export const overview: Command = {
  name: "overview",
  summary: "Tells how many activities stand how, what waits in which queue, and what needs attention",
  usage: "[OPTIONS]",
  options: CONNECTION_OPTIONS,
  description: `The first view of dw-carrier ui. With --json: the document of its API, with the series of the last hour.`,
  examples: [{ line: "dw-carrier overview", what: "of the engine that runs here" }],
  run: runOverview,
};

async function runOverview(input: CommandInput, io: CliIo): Promise<typeof EXIT.ok> {
  atMost(input, 0);
  const views = await viewsOf(await connectionOf(input, io), io);
  const told = (await asCliError(() => views.get("overview"))) as Overview;
  if (input.json) io.out(`${JSON.stringify(told)}\n`);
  else sayOverview(told, io);
  return EXIT.ok;
}

function sayOverview({ counts, queues, attention }: Overview, io: CliIo): void {
  const { bold, dim, yellow } = io.paint;
  for (const { text, failure } of attention.slice(0, MOST_ATTENTION)) {
    say(io, yellow(inOneLine(failure === null ? text : `${text} ${failure.message}`)));
  }
  const words = Object.entries(counts.byStatus).map(([word, count]) =>
    count === 0 ? dim(`${word} 0`) : `${word} ${bold(String(count))}`,
  );
  say(io, words.join("  "));
  if (counts.scope !== null) say(io, dim(counts.scope));
  for (const { queue, verdict, workers } of queues.slice(0, MOST_QUEUES)) {
    say(io, inOneLine(`${bold(queue)}  ${verdict.text}  ${dim(`${workers.length} workers`)}`));
  }
  if (queues.length > MOST_QUEUES) say(io, dim(`and ${queues.length - MOST_QUEUES} queues more; --json has all`));
}
