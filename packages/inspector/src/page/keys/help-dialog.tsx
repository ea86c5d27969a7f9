import type { JSX } from "preact";
import { letterKeys } from "../live/preferences.js";
import { useSignal } from "../live/signal.js";
import { Dialog } from "../parts/dialog.js";
import { KEY_HELP } from "./keys.js";

export function HelpDialog({ onClose }: { onClose: () => void }): JSX.Element {
  const letters = useSignal(letterKeys);
  return (
    <Dialog title="Keys" onClose={onClose}>
      <div class="help">
        {KEY_HELP.map(([where, keys]) => (
          <section key={where} aria-label={where}>
            <h4>{where}</h4>
            <dl class="facts">
              {keys.map(([key, what]) => (
                <div key={key}>
                  <dt>
                    <kbd>{key}</kbd>
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <label class="check">
        <input
          type="checkbox"
          checked={letters === "on"}
          onChange={(event) => {
            letterKeys.value = event.currentTarget.checked ? "on" : "off";
          }}
        />
        Keys of a single letter are on
      </label>
    </Dialog>
  );
}
