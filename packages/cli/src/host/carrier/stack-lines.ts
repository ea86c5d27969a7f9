import { dirname, sep } from "node:path";
import { fileURLToPath } from "node:url";

const MOST = 6;
/** The folders of code that is ours, not the user's: this package's, and the library's. */
const OURS = [new URL("..", import.meta.url), new URL(".", import.meta.resolve("@durable-workflow/carrier"))].map(
  (folder) => dirname(fileURLToPath(new URL("x", folder))) + sep,
);

/** The lines of a stack trace that lie in the user's own files, as `at name (file:line:column)`, nearest first. */
export function userFrames(stack: string, cwd: string): readonly string[] {
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
    .slice(0, MOST)
    .map((line) => line.replace(`${cwd}${sep}`, ""));
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    return url;
  }
}
