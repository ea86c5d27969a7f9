import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { ActivityDetail } from "../../api/index.js";
import { ActionDialog, type Question } from "../actions/action-dialog.js";
import { useKeys } from "../keys/keys.js";
import { filterValue } from "../list/filter.js";
import { act, get } from "../live/api.js";
import { capabilities, refusalOfActions } from "../live/engine.js";
import { useResource, useThrottled } from "../live/resource.js";
import { useSignal } from "../live/signal.js";
import { stream } from "../live/stream.js";
import { Failed, Loading } from "../parts/states.js";
import { Status } from "../parts/status.js";
import { CopyButton, copyText, Foreign, ForeignLine, Ticking, When } from "../parts/text.js";
import { go, lastList } from "../route/location.js";
import { writeRoute } from "../route/route.js";
import { ticking } from "../text/amounts.js";
import { readInstant } from "../text/instants.js";
import { AttemptsTable } from "./attempts-table.js";
import { DataPane, Deadlines, DocumentsPane, FailurePane, HistoryPane, OptionsPane } from "./panes.js";
import { TimelineView } from "./timeline-view.js";

const TABS = [
  ["data", "Data"],
  ["failures", "Failures"],
  ["history", "History"],
  ["documents", "Documents"],
  ["options", "Options"],
] as const;
type Tab = (typeof TABS)[number][0];

/** More often than that nobody needs to see a detail anew. */
const REFRESH_MS = 400;

/** One activity: why it is where it is, its attempts, its data, what can be done. */
export function ActivityScreen({ id, query }: { id: string; query: Readonly<Record<string, string>> }): JSX.Element {
  const runId = query["run"];
  const detail = useResource(`activity ${id} ${runId ?? ""}`, (signal) =>
    get<ActivityDetail>("activity", { id, runId }, signal),
  );
  const refresh = useThrottled(detail.refresh, REFRESH_MS);
  const shown = useRef<ActivityDetail | undefined>(undefined);
  shown.current = detail.data;
  useEffect(
    () =>
      stream.listen({
        rows: (rows) => {
          const known = shown.current;
          const isNews = rows.some(
            (row) =>
              row.id === id &&
              (known === undefined || row.runId !== known.row.runId || row.version > known.row.version),
          );
          if (isNews) refresh();
        },
        reset: refresh,
      }),
    [id, refresh],
  );
  useKeys({
    Escape: () => {
      location.hash = lastList();
    },
  });
  if (detail.data === undefined) {
    return (
      <>
        <h1 class="wrap">
          <Foreign text={id} most={400} />
        </h1>
        {detail.fault === undefined ? (
          <Loading what="the activity" />
        ) : (
          <Failed fault={detail.fault} again={detail.refresh} />
        )}
      </>
    );
  }
  return (
    <>
      {detail.fault !== undefined && <Failed fault={detail.fault} again={detail.refresh} />}
      <Activity detail={detail.data} query={query} refresh={refresh} />
    </>
  );
}

function Activity({
  detail,
  query,
  refresh,
}: {
  detail: ActivityDetail;
  query: Readonly<Record<string, string>>;
  refresh: () => void;
}): JSX.Element {
  const { row, attempts, attemptsLeftOut, waiting, deadlines, gaps, failure } = detail;
  const [question, setQuestion] = useState<Question>();
  const [isFolded, setFolded] = useState(true);
  const known = useSignal(capabilities);
  const features = known?.features;
  const refusal = refusalOfActions(useSignal(stream.freshness).state, known);
  const isOpen = row.closedAt === null;
  const hasFailures = failure !== null || attempts.some((attempt) => attempt.failure !== null);
  const tab: Tab = TABS.find(([name]) => name === query["tab"])?.[0] ?? (row.status === "failed" ? "failures" : "data");
  const chosen = attempts.find(({ number }) => String(number) === query["try"])?.number;

  const show = (more: Readonly<Record<string, string | undefined>>): void => {
    go(["a", row.id], { ...query, ...more }, { replace: true });
  };
  const choose = (attempt: number | undefined): void => {
    show({
      try: attempt === undefined ? undefined : String(attempt),
      ...(attempt !== undefined && { tab: "failures" }),
    });
  };
  const step = (by: number): void => {
    const index = attempts.findIndex(({ number }) => number === chosen);
    const next = attempts[index === -1 ? attempts.length - 1 : index + by];
    if (next !== undefined) choose(next.number);
  };
  const cancel = (): void => {
    if (!isOpen || features?.cancel === false || refusal !== undefined) return;
    setQuestion({
      title: "Cancel this activity?",
      text: `${row.type} ${row.id} ends as cancelled. A worker that runs it is told with its next heartbeat; what it has done stays done.`,
      verb: "Cancel it",
      isDestructive: true,
      takesReason: true,
      request: { action: "cancel", id: row.id, runId: row.runId },
    });
  };
  const terminate = (): void => {
    if (!isOpen || refusal !== undefined) return;
    setQuestion({
      title: "Terminate this activity?",
      text: `${row.type} ${row.id} is closed at once as terminated, without waiting for the worker that runs it.`,
      verb: "Terminate it",
      isDestructive: true,
      takesReason: true,
      request: { action: "terminate", id: row.id, runId: row.runId },
    });
  };
  const again = (): void => {
    if (refusal !== undefined) return;
    setQuestion({
      title: "Start again?",
      text: `The same type, queue, options and arguments as ${row.id}, under a new id.`,
      verb: "Start again",
      isDestructive: false,
      request: { action: "start_again", id: row.id, runId: row.runId },
    });
  };
  const like = writeRoute(["start"], { like: row.id, run: row.runId });
  useKeys({
    "1": () => {
      show({ tab: "data" });
    },
    "2": () => {
      show({ tab: "failures" });
    },
    "3": () => {
      show({ tab: "history" });
    },
    "4": () => {
      show({ tab: "documents" });
    },
    "5": () => {
      show({ tab: "options" });
    },
    "[": () => {
      step(-1);
    },
    "]": () => {
      step(1);
    },
    z: () => {
      setFolded(!isFolded);
    },
    y: () => void copyText(row.id),
    Y: () => void copyText(location.href),
    c: cancel,
    s: () => {
      location.hash = like;
    },
  });

  return (
    <>
      <div class="activity-head">
        <div class="activity-title">
          <Status word={row.status} closedReason={row.closedReason} />
          <h1 class="wrap">
            <Foreign text={row.id} />
          </h1>
          <CopyButton text={row.id}>Copy id</CopyButton>
        </div>
        <div class="buttons">
          {isOpen && features?.cancel !== false && (
            <button type="button" class="danger" aria-disabled={refusal !== undefined} title={refusal} onClick={cancel}>
              Cancel <kbd>c</kbd>
            </button>
          )}
          {isOpen && features?.terminate !== false && (
            <button
              type="button"
              class="danger"
              aria-disabled={refusal !== undefined}
              title={refusal}
              onClick={terminate}
            >
              Terminate
            </button>
          )}
          {features?.start !== false && (
            <>
              <button type="button" aria-disabled={refusal !== undefined} title={refusal} onClick={again}>
                Start again
              </button>
              <a class="button" href={like}>
                Start like this <kbd>s</kbd>
              </a>
            </>
          )}
          <CopyButton
            quiet={false}
            text={async () =>
              (await act({ action: "start_again", id: row.id, runId: row.runId, dryRun: true })).command
            }
          >
            Copy start command
          </CopyButton>
        </div>
        <p class="activity-facts">
          <span>
            <span class="muted">type</span>{" "}
            <a href={writeRoute(["l"], { type: filterValue(row.type) })}>
              <ForeignLine text={row.type} />
            </a>
          </span>
          <span>
            <span class="muted">queue</span>{" "}
            <a href={writeRoute(["q", row.queue])}>
              <ForeignLine text={row.queue} />
            </a>
          </span>
          <span>
            <span class="muted">try</span> {row.attempt ?? "?"}
            {row.maxAttempts !== null && ` of ${row.maxAttempts}`}
          </span>
          <span>
            <span class="muted">started</span> <When at={row.startedAt} />
          </span>
          <span>
            {isOpen ? (
              <Age from={row.startedAt} />
            ) : (
              <>
                <span class="muted">finished</span> <When at={row.closedAt} />
              </>
            )}
          </span>
        </p>
      </div>
      <Why waiting={waiting} />
      {deadlines.length > 0 && <Deadlines deadlines={deadlines} />}
      {gaps.length > 0 && (
        <ul class="gaps muted">
          {gaps.map((gap) => (
            <li key={gap}>
              <Foreign text={gap} most={500} />
            </li>
          ))}
        </ul>
      )}
      <section aria-labelledby="attempts">
        <h2 id="attempts">Attempts</h2>
        {attemptsLeftOut > 0 && (
          <p class="muted">
            The newest {attempts.length}; {attemptsLeftOut} older ones are in the history.
          </p>
        )}
        <TimelineView
          detail={detail}
          isFolded={isFolded}
          onFold={() => {
            setFolded(!isFolded);
          }}
        />
        {attempts.length > 0 && (
          <AttemptsTable
            attempts={attempts}
            chosen={chosen}
            onChoose={(number) => {
              choose(number === chosen ? undefined : number);
            }}
          />
        )}
      </section>
      <Tabs
        tab={tab}
        hasFailures={hasFailures}
        onTab={(name) => {
          show({ tab: name });
        }}
      />
      <div role="tabpanel" id={`pane-${tab}`} aria-labelledby={`tab-${tab}`} class="pane">
        {tab === "data" && <DataPane detail={detail} />}
        {tab === "failures" && <FailurePane detail={detail} attempt={chosen} />}
        {tab === "history" && <HistoryPane detail={detail} />}
        {tab === "documents" && <DocumentsPane detail={detail} />}
        {tab === "options" && <OptionsPane detail={detail} />}
      </div>
      {question !== undefined && (
        <ActionDialog
          question={question}
          onClose={() => {
            setQuestion(undefined);
            refresh();
          }}
        />
      )}
    </>
  );
}

function Age({ from }: { from: string }): JSX.Element {
  const started = readInstant(from);
  if (started === undefined) return <When at={from} />;
  return (
    <>
      <span class="muted">for</span> <Ticking write={(now) => ticking(now - started)} />
    </>
  );
}

/** Why it is where it is, and what happens next, before anything else. */
function Why({ waiting }: { waiting: ActivityDetail["waiting"] }): JSX.Element {
  const { reason, text, since, nextAt, remedy, command } = waiting;
  if (reason === "closed" && text === "") return <></>;
  const next = readInstant(nextAt);
  const isTrouble =
    reason === "stalled" || reason === "no_worker" || reason === "workers_silent" || reason === "unknown";
  return (
    <section class={`why ${isTrouble ? "trouble" : ""}`} aria-label="What it waits for">
      <p>
        <Foreign text={text} most={1000} />
        {next !== undefined && reason !== "running" && (
          <strong>
            {" "}
            <Ticking write={(now) => (next > now ? `Next: in ${ticking(next - now)}.` : "")} />
          </strong>
        )}
        {since !== null && reason !== "closed" && (
          <span class="muted">
            {" "}
            since <When at={since} />
          </span>
        )}
      </p>
      {remedy !== null && (
        <p>
          <Foreign text={remedy} most={1000} />
        </p>
      )}
      {command !== null && (
        <p class="command-line">
          <code class="wrap">
            <Foreign text={command} most={1000} />
          </code>{" "}
          <CopyButton text={command}>Copy</CopyButton>
        </p>
      )}
    </section>
  );
}

function Tabs({ tab, hasFailures, onTab }: { tab: Tab; hasFailures: boolean; onTab: (tab: Tab) => void }): JSX.Element {
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const index = TABS.findIndex(([name]) => name === tab);
    const next = TABS[(index + step + TABS.length) % TABS.length];
    if (next === undefined) return;
    onTab(next[0]);
    requestAnimationFrame(() => document.querySelector<HTMLElement>(`#tab-${next[0]}`)?.focus());
  };
  return (
    <div class="tabs" role="tablist" aria-label="Parts of the activity" onKeyDown={move}>
      {TABS.map(([name, title]) => (
        <button
          key={name}
          id={`tab-${name}`}
          type="button"
          role="tab"
          aria-selected={name === tab}
          aria-controls={name === tab ? `pane-${name}` : undefined}
          tabIndex={name === tab ? 0 : -1}
          onClick={() => {
            onTab(name);
          }}
        >
          {title}
          {name === "failures" && hasFailures && <span class="dot" title="there are some" />}
        </button>
      ))}
    </div>
  );
}
