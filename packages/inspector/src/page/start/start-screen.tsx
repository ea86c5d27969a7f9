import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import {
  type ActionOutcome,
  type ActionRequest,
  type ActivityDetail,
  inputShape,
  type TypeList,
} from "../../api/index.js";
import { Outcome } from "../actions/action-dialog.js";
import { act, Fault, get } from "../live/api.js";
import { capabilities, refusalOfActions } from "../live/engine.js";
import { useResource } from "../live/resource.js";
import { useSignal } from "../live/signal.js";
import { stream } from "../live/stream.js";
import { Dialog } from "../parts/dialog.js";
import { Failed, Loading } from "../parts/states.js";
import { CopyButton, Foreign } from "../parts/text.js";
import { examineArguments } from "../payload/typed-value.js";
import { activityLink } from "../route/location.js";
import { bytes, counted } from "../text/amounts.js";
import { useDraft } from "./draft.js";
import { NO_OPTIONS, OptionFields, type OptionTexts, readOptions } from "./option-fields.js";

/** Start a new activity, or one like another. */
export function StartScreen({ query }: { query: Readonly<Record<string, string>> }): JSX.Element {
  const { like, run: runId } = query;
  const model = useResource(like === undefined ? "" : `like ${like} ${runId ?? ""}`, (signal) =>
    get<ActivityDetail>("activity", { id: like, runId }, signal),
  );
  if (like !== undefined && model.data === undefined) {
    return (
      <>
        <h1>Start one like this</h1>
        {model.fault === undefined ? (
          <Loading what="the activity" />
        ) : (
          <Failed fault={model.fault} again={model.refresh} />
        )}
      </>
    );
  }
  return <StartForm key={like ?? ""} model={model.data} queue={query["queue"] ?? ""} type={query["type"] ?? ""} />;
}

function StartForm({
  model,
  queue: givenQueue,
  type: givenType,
}: {
  model: ActivityDetail | undefined;
  queue: string;
  type: string;
}): JSX.Element {
  const known = useResource("types", (signal) => get<TypeList>("types", {}, signal));
  const refusal = refusalOfActions(useSignal(stream.freshness).state, useSignal(capabilities));
  const [draft, setDraft] = useDraft(model === undefined ? "new" : `like ${model.row.id}`, {
    type: model?.row.type ?? givenType,
    queue: model?.row.queue ?? givenQueue,
    id: "",
    businessKey: "",
    input: model?.input.json ?? "",
    replaces: "",
  });
  const [options, setOptions] = useState<OptionTexts>(NO_OPTIONS);
  const [outcome, setOutcome] = useState<ActionOutcome>();
  const [fault, setFault] = useState<Fault>();
  const [isBusy, setBusy] = useState(false);
  const [command, setCommand] = useState<string>();

  const types = known.data?.types ?? [];
  // The first queue on which a worker takes the type: what somebody most likely means.
  const ofType = types.filter(({ type }) => type === draft.type);
  const likely = ofType.toSorted((a, b) => b.workers - a.workers)[0];
  const queue = draft.queue === "" ? (likely?.queue ?? "") : draft.queue;
  const takers = ofType.find((one) => one.queue === queue);
  const schema = (takers ?? likely)?.inputSchema ?? null;
  const isKept =
    model !== undefined && model.input.json === null && model.input.state !== "none" && draft.replaces === "";
  const examined = examineArguments(draft.input);
  const read = readOptions(options);

  const request = (): ActionRequest => {
    if (model !== undefined) {
      const isEdited = !isKept && draft.input !== (model.input.json ?? "");
      return {
        action: "start_again",
        id: model.row.id,
        runId: model.row.runId,
        ...(draft.id !== "" && { newId: draft.id }),
        ...(isEdited && { input: draft.input.trim() === "" ? "[]" : draft.input }),
        ...(queue !== model.row.queue && { queue }),
      };
    }
    return {
      action: "start",
      type: draft.type,
      queue,
      ...(draft.id !== "" && { id: draft.id }),
      ...(draft.businessKey !== "" && { businessKey: draft.businessKey }),
      ...(draft.input.trim() !== "" && { input: draft.input }),
      ...(read.options !== undefined && Object.keys(read.options).length > 0 && { options: read.options }),
    };
  };
  const missing =
    draft.type === ""
      ? "Name a type."
      : queue === ""
        ? "Name a queue."
        : (!isKept && examined.problem) || read.problem || undefined;
  const send = async (dryRun: boolean): Promise<ActionOutcome> => act({ ...request(), ...(dryRun && { dryRun }) });
  const start = async (): Promise<void> => {
    if (isBusy || refusal !== undefined) return;
    if (missing !== undefined) {
      setFault(new Fault("start", 0, { message: missing }));
      return;
    }
    setBusy(true);
    setFault(undefined);
    try {
      setOutcome(await send(false));
    } catch (error) {
      setFault(error instanceof Fault ? error : new Fault("page", 0, { message: String(error) }));
    }
    setBusy(false);
  };
  // The command follows what is typed, once that is at rest.
  const wanted = JSON.stringify(request());
  useEffect(() => {
    if (missing !== undefined) {
      setCommand(undefined);
      return;
    }
    let isOver = false;
    const timer = setTimeout(() => {
      send(true).then(
        ({ command: text }) => {
          if (!isOver) setCommand(text);
        },
        () => {
          if (!isOver) setCommand(undefined);
        },
      );
    }, 400);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [wanted, missing]);

  return (
    <>
      <h1 class="wrap">
        {model === undefined ? (
          "Start an activity"
        ) : (
          <>
            <span class="muted">Start one like</span>{" "}
            <a href={activityLink(model.row.id, model.row.runId)}>
              <Foreign text={model.row.id} most={200} />
            </a>
          </>
        )}
      </h1>
      <form
        class="start"
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            void start();
          }
        }}
      >
        <div class="fields">
          <label class="field">
            <span>Type</span>
            <input
              type="text"
              required
              readOnly={model !== undefined}
              value={draft.type}
              list="start-types"
              autocomplete="off"
              spellcheck={false}
              onInput={(event) => {
                setDraft({ type: event.currentTarget.value });
              }}
            />
            <datalist id="start-types">
              {[...new Set(types.map(({ type }) => type))].slice(0, 500).map((type) => (
                <option key={type} value={type} />
              ))}
            </datalist>
          </label>
          <label class="field">
            <span>Queue</span>
            <input
              type="text"
              required
              value={queue}
              list="start-queues"
              autocomplete="off"
              spellcheck={false}
              onInput={(event) => {
                setDraft({ queue: event.currentTarget.value });
              }}
            />
            <datalist id="start-queues">
              {[...new Set(types.map((one) => one.queue))].slice(0, 500).map((name) => (
                <option key={name} value={name} />
              ))}
            </datalist>
          </label>
          <label class="field">
            <span>Id</span>
            <input
              type="text"
              placeholder="made up when empty"
              maxLength={128}
              value={draft.id}
              autocomplete="off"
              spellcheck={false}
              onInput={(event) => {
                setDraft({ id: event.currentTarget.value });
              }}
            />
          </label>
          {model === undefined && (
            <label class="field">
              <span>Business key</span>
              <input
                type="text"
                maxLength={255}
                value={draft.businessKey}
                autocomplete="off"
                spellcheck={false}
                onInput={(event) => {
                  setDraft({ businessKey: event.currentTarget.value });
                }}
              />
            </label>
          )}
        </div>
        <p class="muted" role="status">
          {draft.type === "" || known.data === undefined
            ? "\u00a0"
            : takers === undefined || takers.workers === 0
              ? "⚠ No worker takes this type from this queue now: it will wait for one."
              : `✓ ${counted(takers.workers, "worker")} ${takers.workers === 1 ? "takes" : "take"} it.`}
        </p>
        {isKept ? (
          <div class="field">
            <span>Arguments</span>
            <p>
              The same, byte for byte{model.input.sizeBytes === null ? "" : ` (${bytes(model.input.sizeBytes)})`}.{" "}
              <button
                type="button"
                class="quiet"
                onClick={() => {
                  setDraft({ replaces: "yes" });
                }}
              >
                Write others
              </button>
            </p>
          </div>
        ) : (
          <div>
            <label class="field wide">
              <span>Arguments, as JSON: a list has one argument each</span>
              <textarea
                rows={Math.min(24, Math.max(6, draft.input.split("\n").length + 1))}
                spellcheck={false}
                placeholder='["Ada", 7]'
                value={draft.input}
                aria-describedby="arguments-say"
                onInput={(event) => {
                  setDraft({ input: event.currentTarget.value });
                }}
              />
            </label>
            <p id="arguments-say" role="status" class={examined.problem === null ? "muted" : "problem"}>
              {examined.problem ?? `✓ ${examined.text}`}
            </p>
            {schema !== null && (
              <details>
                <summary>What the carrier says of them</summary>
                <pre class="part" tabIndex={0}>
                  <Foreign text={schema} most={20_000} />
                </pre>
                <button
                  type="button"
                  onClick={() => {
                    setDraft({ input: beginningOf(schema) });
                  }}
                >
                  Begin with this shape
                </button>
              </details>
            )}
            <details>
              <summary>Bytes, 64-bit integers, doubles</summary>
              <pre>{`{"$type":"bytes","base64":"3q2+7w=="}\n9007199254740993 is exact as it is; {"$type":"long","value":"…"} too\n7 is an integer, 7.0 is a double`}</pre>
            </details>
          </div>
        )}
        {model === undefined ? (
          <OptionFields options={options} onChange={setOptions} />
        ) : (
          <p class="muted">Its options (tries, backoff, timeouts) are the same.</p>
        )}
        {read.problem !== null && <p class="problem">{read.problem}</p>}
        {fault !== undefined && <Failed fault={fault} />}
        <div class="command">
          <span class="muted">The same by command</span>
          <pre tabIndex={0}>{command === undefined ? "…" : <Foreign text={command} most={20_000} />}</pre>
          {command !== undefined && <CopyButton text={command}>Copy</CopyButton>}
        </div>
        <div class="buttons">
          <button type="submit" class="main" aria-disabled={refusal !== undefined || isBusy} title={refusal}>
            {isBusy ? "…" : "Start"}
          </button>
          {refusal !== undefined && <span class="muted">{refusal}</span>}
        </div>
      </form>
      {outcome !== undefined && (
        <Dialog
          title={outcome.done ? "Started" : "Not started"}
          onClose={() => {
            setOutcome(undefined);
          }}
        >
          <Outcome
            outcome={outcome}
            onClose={() => {
              setOutcome(undefined);
            }}
          />
        </Dialog>
      )}
    </>
  );
}

function beginningOf(schema: string): string {
  try {
    const shape = inputShape(JSON.parse(schema));
    return JSON.stringify(Array.isArray(shape) ? shape : [shape], null, 2);
  } catch {
    return "";
  }
}
