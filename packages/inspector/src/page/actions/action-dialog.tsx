import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { ActionOutcome, ActionRequest } from "../../api/index.js";
import { act, Fault } from "../live/api.js";
import { useResource } from "../live/resource.js";
import { Dialog } from "../parts/dialog.js";
import { Failed } from "../parts/states.js";
import { CopyButton, Foreign, When } from "../parts/text.js";
import { activityLink } from "../route/location.js";

/** What is asked before something is done. */
export interface Question {
  readonly title: string;
  /** What will be, as a sentence or two. */
  readonly text: string;
  /** On the button that does it. */
  readonly verb: string;
  readonly isDestructive: boolean;
  readonly takesReason?: boolean;
  readonly request: ActionRequest;
}

/** Asks, shows the command that does the same, does it, and tells what came of it. */
export function ActionDialog({ question, onClose }: { question: Question; onClose: () => void }): JSX.Element {
  const [reason, setReason] = useState("");
  const [outcome, setOutcome] = useState<ActionOutcome>();
  const [fault, setFault] = useState<Fault>();
  const [isBusy, setBusy] = useState(false);
  const request = withReason(question.request, reason);
  const trial = useResource(JSON.stringify(request), () => act({ ...request, dryRun: true }));
  const run = async (): Promise<void> => {
    if (isBusy) return;
    setBusy(true);
    setFault(undefined);
    try {
      setOutcome(await act(request));
    } catch (error) {
      setFault(error instanceof Fault ? error : new Fault("page", 0, { message: String(error) }));
    }
    setBusy(false);
  };
  return (
    <Dialog title={question.title} onClose={onClose}>
      {outcome === undefined ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void run();
          }}
        >
          <p>
            <Foreign text={question.text} most={600} />
          </p>
          {question.takesReason === true && (
            <label class="field">
              <span>Reason, for the history</span>
              <input
                type="text"
                value={reason}
                maxLength={500}
                onInput={(event) => {
                  setReason(event.currentTarget.value);
                }}
              />
            </label>
          )}
          <Command outcome={trial.data} fault={trial.fault} />
          {trial.data?.error != null && (
            <p class="problem" role="alert">
              <Foreign text={trial.data.error.message} most={600} />
            </p>
          )}
          {fault !== undefined && <Failed fault={fault} />}
          <div class="buttons">
            <button type="submit" class={question.isDestructive ? "danger" : "main"} aria-disabled={isBusy}>
              {isBusy ? "…" : question.verb}
            </button>
            <button type="button" onClick={onClose}>
              Leave it
            </button>
          </div>
        </form>
      ) : (
        <Outcome outcome={outcome} onClose={onClose} />
      )}
    </Dialog>
  );
}

function withReason(request: ActionRequest, reason: string): ActionRequest {
  if (reason === "" || (request.action !== "cancel" && request.action !== "terminate")) return request;
  return { ...request, reason };
}

function Command({ outcome, fault }: { outcome: ActionOutcome | undefined; fault: Fault | undefined }): JSX.Element {
  return (
    <div class="command">
      <span class="muted">The same by command</span>
      <pre tabIndex={0}>{outcome === undefined ? (fault?.message ?? "…") : <Foreign text={outcome.command} />}</pre>
      {outcome !== undefined && <CopyButton text={outcome.command}>Copy</CopyButton>}
    </div>
  );
}

/** What came of an action: as a sentence, and where to look. */
export function Outcome({ outcome, onClose }: { outcome: ActionOutcome; onClose: () => void }): JSX.Element {
  const { done, text, error, started, at, command } = outcome;
  return (
    <div class="outcome" role="status">
      <p class={done ? "" : "problem"}>
        {done ? "✓ " : ""}
        <Foreign text={text} most={2000} />
      </p>
      {error !== null && error.message !== text && (
        <p class="problem">
          <Foreign text={error.message} most={2000} />
        </p>
      )}
      {error?.hint != null && (
        <p>
          <Foreign text={error.hint} most={2000} />
        </p>
      )}
      <p class="muted">
        <When at={at} /> · <Foreign text={command} most={400} />
      </p>
      <div class="buttons">
        {started !== null && (
          <a class="button main" href={activityLink(started.id)} onClick={onClose}>
            Open it
          </a>
        )}
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </div>
  );
}
