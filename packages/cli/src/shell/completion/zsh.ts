import type { CommandWords, OptionWords } from "./words.js";

/** To be evaluated, or put into a folder of \`fpath\` under the name \`_dw-carrier\`. */
export function zshScript(commands: readonly CommandWords[]): string {
  return `#compdef dw-carrier
# dw-carrier completion for zsh: eval "$(dw-carrier completion zsh)" after compinit
_dw-carrier() {
  local -a commands
  commands=(
${commands.map(({ name, summary }) => `    ${quote(`${name}:${summary.replaceAll(/[\\:]/g, String.raw`\$&`)}`)}`).join("\n")}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=\${words[2]}
  shift words
  ((CURRENT--))
  case $command in
${commands.map(branch).join("\n")}
  esac
}
if [[ \${funcstack[1]} == _dw-carrier ]]; then
  _dw-carrier "$@"
else
  compdef _dw-carrier dw-carrier
fi
`;
}

function branch({ name, options, positionals }: CommandWords): string {
  const positional =
    positionals === "files"
      ? "'*:file:_files'"
      : positionals.length > 0
        ? `'1:word:(${positionals.join(" ")})'`
        : "'*: :'";
  return `    ${name})
      _arguments ${[...options.flatMap(specsOf), positional].join(" \\\n        ")}
      ;;`;
}

function specsOf({ name, short, help, value, takesFile, repeats }: OptionWords): readonly string[] {
  const argument = value === undefined ? "" : `:${escape(value)}:${takesFile ? "_files" : ""}`;
  const spellings = short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];
  return spellings.map((spelling) => quote(`${repeats ? "*" : ""}${spelling}[${escape(help)}]${argument}`));
}

/** Characters that mean something within a specification of _arguments. */
function escape(text: string): string {
  return text.replaceAll(/[[\]:\\]/g, String.raw`\$&`);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
