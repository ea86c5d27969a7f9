import type { CommandWords, OptionWords } from "./words.js";

/** To be sourced, or put into `~/.config/fish/completions/dw-carrier.fish`. */
export function fishScript(commands: readonly CommandWords[]): string {
  const none = "__fish_use_subcommand";
  return `# dw-carrier completion for fish: dw-carrier completion fish | source
complete -c dw-carrier -e
complete -c dw-carrier -f
complete -c dw-carrier -n ${none} -s h -l help -d 'show help'
complete -c dw-carrier -n ${none} -l version -d 'show the version'
${commands.map(({ name, summary }) => `complete -c dw-carrier -n ${none} -a ${name} -d ${quote(summary)}`).join("\n")}
${commands.flatMap(lines).join("\n")}
`;
}

function lines({ name, options, positionals }: CommandWords): readonly string[] {
  const within = `complete -c dw-carrier -n ${quote(`__fish_seen_subcommand_from ${name}`)}`;
  const words =
    positionals === "files"
      ? [`${within} -F`]
      : positionals.length > 0
        ? [`${within} -a ${quote(positionals.join(" "))}`]
        : [];
  return [...words, ...options.map((option) => `${within} ${optionLine(option)}`)];
}

function optionLine({ name, short, help, value, takesFile }: OptionWords): string {
  const letter = short === undefined ? "" : `-s ${short} `;
  const argument = value === undefined ? "" : takesFile ? "-r -F " : "-x ";
  return `${letter}-l ${name} ${argument}-d ${quote(help)}`;
}

function quote(text: string): string {
  return `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`;
}
