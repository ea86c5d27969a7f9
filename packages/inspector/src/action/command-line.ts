/** A word as shells of POSIX read it as one. */
export function quoted(word: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A line of `dw-carrier`. What is undefined is left out, with the option before it. */
export function commandLine(
  words: readonly string[],
  options: Readonly<Record<string, string | number | null | undefined>>,
  connection: string,
): string {
  const given = Object.entries(options).flatMap(([name, value]) =>
    value === undefined || value === null || value === "" ? [] : [`--${name}`, quoted(String(value))],
  );
  const [name = "", ...rest] = words;
  const link = connection === "" ? [] : [connection];
  // A word that begins with a dash would be read as an option.
  const isPlain = rest.every((word) => !word.startsWith("-"));
  const parts = isPlain ? [...rest.map(quoted), ...given, ...link] : [...given, ...link, "--", ...rest.map(quoted)];
  return ["dw-carrier", name, ...parts].join(" ");
}
