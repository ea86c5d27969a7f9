import type { CommandWords, OptionWords } from "./words.js";

/** For bash from 3.2 on, which macOS still has. */
export function bashScript(commands: readonly CommandWords[]): string {
  const names = [...commands.map(({ name }) => name), "--help", "--version"].join(" ");
  return `# dw-carrier completion for bash: eval "$(dw-carrier completion bash)"
_dw_carrier() {
  local IFS=$' \\t\\n' current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}" options="" words=""
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "${names}" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${commands.map(branch).join("\n")}
  *) return ;;
  esac
  if [[ "$current" == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  elif [[ "$words" == "<files>" ]]; then
    IFS=$'\\n'
    COMPREPLY=($(compgen -f -- "$current"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  fi
}
complete -o filenames -F _dw_carrier dw-carrier
`;
}

function branch({ name, options, positionals }: CommandWords): string {
  const spellings = options.flatMap(spellingsOf).join(" ");
  const words = positionals === "files" ? "<files>" : positionals.join(" ");
  const valued = options.filter(({ value }) => value !== undefined);
  const files = valued.filter(({ takesFile }) => takesFile).flatMap(spellingsOf);
  const others = valued.filter(({ takesFile }) => !takesFile).flatMap(spellingsOf);
  const cases = [
    ...(files.length === 0 ? [] : [`    ${files.join(" | ")}) words="<files>" current="\${current#-}" ;;`]),
    ...(others.length === 0 ? [] : [`    ${others.join(" | ")}) return ;;`]),
  ];
  return `  ${name})
    options="${spellings}" words="${words}"
${cases.length === 0 ? "" : `    case "$previous" in\n${cases.join("\n")}\n    esac\n`}    ;;`;
}

function spellingsOf({ name, short }: OptionWords): readonly string[] {
  return short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];
}
