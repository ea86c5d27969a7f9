import { atMost, positional } from "../options/values.js";
import { CliError, type Command, EXIT } from "../shell/command.js";
import { bashScript } from "../shell/completion/bash.js";
import { fishScript } from "../shell/completion/fish.js";
import { type CommandWords, commandWords, SHELLS, type Shell } from "../shell/completion/words.js";
import { zshScript } from "../shell/completion/zsh.js";

const SCRIPTS: Readonly<Record<Shell, (commands: readonly CommandWords[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/**
 * Prints a script that completes command lines.
 *
 * @param commands every command there is, this one included; asked for when it runs
 */
export function completion(commands: () => Promise<readonly Command[]>): Command {
  return {
    name: "completion",
    summary: "Prints a script that completes commands and options in your shell",
    usage: SHELLS.join("|"),
    options: {},
    description: `The script is made of the commands of this version: print it anew after an upgrade.
bash: add  eval "$(dw-carrier completion bash)"  to ~/.bashrc
zsh:  add  eval "$(dw-carrier completion zsh)"  to ~/.zshrc, after compinit
fish: run  dw-carrier completion fish > ~/.config/fish/completions/dw-carrier.fish`,
    examples: [{ line: 'eval "$(dw-carrier completion bash)"', what: "completes in this shell, from now on" }],
    async run(input, io) {
      atMost(input, 1);
      const name = positional(input, 0, "the shell (bash, zsh or fish)");
      const shell = SHELLS.find((known) => known === name);
      if (shell === undefined) {
        throw new CliError(EXIT.usage, `there is no completion for ${name}`, `There is for ${SHELLS.join(", ")}.`);
      }
      const script = SCRIPTS[shell]((await commands()).map(commandWords));
      io.out(input.json ? `${JSON.stringify({ ok: true, shell, script })}\n` : script);
      return EXIT.ok;
    },
  };
}
