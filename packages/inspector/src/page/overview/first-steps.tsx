import type { JSX } from "preact";
import { capabilities } from "../live/engine.js";
import { useSignal } from "../live/signal.js";
import { CopyButton } from "../parts/text.js";

/** For an engine that never saw an activity. */
export function FirstSteps(): JSX.Element {
  const known = useSignal(capabilities);
  const options = known === undefined || known.commandOptions === "" ? "" : ` ${known.commandOptions}`;
  const text = [
    'echo "export const greet = (name) => `Hello, ${name}`;" > activities.mjs',
    `dw-carrier dev activities.mjs${options}`,
    `dw-carrier start greet '["Ada"]'${options}`,
  ].join("\n");
  return (
    <>
      <p>No activity was ever started here.</p>
      <pre>{text}</pre>
      <p>
        <CopyButton text={text}>Copy</CopyButton> or <a href="#/start">start one here</a>
      </p>
    </>
  );
}
