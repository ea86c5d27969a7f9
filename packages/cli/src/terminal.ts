import type { CliIo, Palette } from "./command.js";

/** ANSI styles, or plain text. */
export function palette(colours: boolean): Palette {
  const paint =
    (code: number) =>
    (text: string): string =>
      colours ? `\u001b[${code}m${text}\u001b[0m` : text;
  return { bold: paint(1), dim: paint(2), red: paint(31), green: paint(32), yellow: paint(33), cyan: paint(36) };
}

/** The process as commands see it. Colours only for a terminal, and never with NO_COLOR (https://no-color.org). */
export function processIo(process: NodeJS.Process, signal: AbortSignal): CliIo {
  const { stdout, stderr, stdin, env } = process;
  // Undefined, in spite of its type, where standard output is no terminal.
  const isTty = (stdout.isTTY as boolean | undefined) === true;
  const hasColours = isTty && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    stdin,
    env,
    cwd: process.cwd(),
    isTty,
    get columns() {
      // 0 in terminals that do not know.
      return (stdout.columns as number | undefined) || 80;
    },
    paint: palette(hasColours),
    signal,
  };
}
