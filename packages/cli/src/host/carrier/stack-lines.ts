import { dirname, sep } from "node:path";
import { fileURLToPath } from "node:url";

const MOST = 6;
/** Of the places of each cause. */
const MOST_OF_CAUSE = 2;
const LONGEST_HEAD = 300;
/** The folders of code that is ours, not the user's: this package's, and the library's. */
const OURS = [new URL("..", import.meta.url), new URL(".", import.meta.resolve("@durable-workflow/carrier"))].map(
  (folder) => dirname(fileURLToPath(new URL("x", folder))) + sep,
);

/**
 * The lines of a stack trace that lie in the user's own files, as `at name (file:line:column)`, nearest first; then those of
 * each cause, below its name and message.
 */
export function userFrames(stack: string, cwd: string): readonly string[] {
  const [own = "", ...causes] = `\n${stack}`.split(/\n(?=Caused by: )/);
  return [
    ...framesOf(own, cwd).slice(0, MOST),
    ...causes.flatMap((cause) => [headOf(cause)].concat(framesOf(cause, cwd).slice(0, MOST_OF_CAUSE))),
  ];
}

function headOf(cause: string): string {
  return (cause.split("\n", 1)[0] ?? "").slice(0, LONGEST_HEAD);
}

function framesOf(stack: string, cwd: string): readonly string[] {
  return stack
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .map((line) =>
      line
        .trim()
        .replaceAll(/[?&]namespace=[\w-]+/g, "")
        .replaceAll(/file:\/\/\/[^\s)]*/g, (url) => pathOf(url)),
    )
    .filter((line) => !/\bnode:|[\\/]node_modules[\\/]|\(<anonymous>\)|at <anonymous>/.test(line))
    .filter((line) => !OURS.some((folder) => line.includes(folder)))
    .map((line) => line.replace(`${cwd}${sep}`, ""));
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    return url;
  }
}
