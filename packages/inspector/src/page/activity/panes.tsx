import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { ActivityDetail, HistoryLine, HistoryPage, WireDocuments } from "../../api/index.js";
import { get } from "../live/api.js";
import { useResource } from "../live/resource.js";
import { Empty, Failed, Loading } from "../parts/states.js";
import { Status } from "../parts/status.js";
import { CopyButton, Foreign, ForeignLine, Ticking, When } from "../parts/text.js";
import { FailureView } from "../payload/failure-view.js";
import { PayloadView } from "../payload/payload-view.js";
import { activityLink } from "../route/location.js";
import { ticking } from "../text/amounts.js";
import { readInstant } from "../text/instants.js";

/** Arguments and result. */
export function DataPane({ detail }: { detail: ActivityDetail }): JSX.Element {
  const { row, input, result } = detail;
  const place = { id: row.id, runId: row.runId };
  return (
    <div class="columns">
      <section class="panel" aria-labelledby="arguments">
        <h2 id="arguments">Arguments</h2>
        <PayloadView payload={input} place={{ ...place, slot: "input" }} none="It was started without arguments." />
      </section>
      <section class="panel" aria-labelledby="result">
        <h2 id="result">Result</h2>
        <PayloadView payload={result} place={{ ...place, slot: "result" }} none={noResult(detail)} />
      </section>
    </div>
  );
}

function noResult({ row }: ActivityDetail): string {
  switch (row.status) {
    case "succeeded":
      return "It succeeded, and its result is not there any more.";
    case "failed":
      return "There is none: it failed.";
    case "cancelled":
      return row.closedReason === "terminated"
        ? "There is none: it was terminated."
        : "There is none: it was cancelled.";
    case "queued":
    case "delayed":
      return "It has not begun.";
    case "running":
    case "retrying":
    case "stalled":
      return "It has not ended.";
  }
}

/** Failures, those of the newest try first; one try alone where it was chosen. */
export function FailurePane({ detail, attempt }: { detail: ActivityDetail; attempt: number | undefined }): JSX.Element {
  const { row, failure, attempts } = detail;
  const place = { id: row.id, runId: row.runId };
  const failed = attempts
    .filter((one) => one.failure !== null && (attempt === undefined || one.number === attempt))
    .toReversed();
  const isOwn =
    failure !== null && !attempts.some((one) => one.failure !== null && one.failure.message === failure.message);
  if (failed.length === 0 && failure === null) {
    return (
      <Empty>
        <p>{attempt === undefined ? "Nothing failed." : `Try ${attempt} did not fail.`}</p>
      </Empty>
    );
  }
  return (
    <div class="failures">
      {failure !== null && (isOwn || failed.length === 0) && (
        <section class="panel" aria-labelledby="why-failed">
          <h3 id="why-failed">Failed for good</h3>
          <FailureView failure={failure} place={{ ...place, slot: "details" }} />
        </section>
      )}
      {failed.map((one) => (
        <section key={one.number} class="panel" aria-labelledby={`failed-${one.number}`}>
          <h3 id={`failed-${one.number}`}>
            Try {one.number}{" "}
            <span class="muted">
              <When at={one.closedAt} />
            </span>
          </h3>
          {one.failure !== null && (
            <FailureView
              failure={one.failure}
              place={{ ...place, slot: "attempt_details", attempt: String(one.number) }}
            />
          )}
        </section>
      ))}
    </div>
  );
}

const DEADLINE: Readonly<Record<ActivityDetail["deadlines"][number]["kind"], string>> = {
  schedule_to_start: "to be begun by a worker",
  start_to_close: "this try to end",
  schedule_to_close: "all of it to end",
  heartbeat: "the next sign of life",
  lease: "the lease to be renewed",
};

function seconds(value: number | null): string {
  return value === null ? "none" : `${value} s`;
}

/** Deadlines that count, options, earlier runs. */
export function OptionsPane({ detail }: { detail: ActivityDetail }): JSX.Element {
  const { options, row, runs, namespace } = detail;
  return (
    <div class="columns">
      <section class="panel" aria-labelledby="options">
        <h2 id="options">Options</h2>
        <dl class="facts">
          <dt>Tries</dt>
          <dd>{options.maxAttempts === null ? "unknown" : `at most ${options.maxAttempts}`}</dd>
          <dt>Backoff</dt>
          <dd>
            {options.backoffSeconds.length === 0
              ? "none"
              : options.backoffSeconds.map((value) => `${value} s`).join(", ")}
          </dd>
          <dt>Never retried</dt>
          <dd>
            {options.nonRetryableErrorTypes.length === 0 ? (
              "no type of its own"
            ) : (
              <Foreign text={options.nonRetryableErrorTypes.join(", ")} most={1000} />
            )}
          </dd>
          <dt>Start to close</dt>
          <dd>{seconds(options.startToCloseSeconds)}</dd>
          <dt>Schedule to start</dt>
          <dd>{seconds(options.scheduleToStartSeconds)}</dd>
          <dt>Schedule to close</dt>
          <dd>{seconds(options.scheduleToCloseSeconds)}</dd>
          <dt>Heartbeat</dt>
          <dd>{seconds(options.heartbeatSeconds)}</dd>
        </dl>
      </section>
      <section class="panel" aria-labelledby="identity">
        <h2 id="identity">Identity</h2>
        <dl class="facts">
          <dt>Namespace</dt>
          <dd>
            <Foreign text={namespace} />
          </dd>
          <dt>Run</dt>
          <dd class="mono">
            <Foreign text={row.runId} />
          </dd>
          <dt>Business key</dt>
          <dd>{row.businessKey === null ? "none" : <Foreign text={row.businessKey} />}</dd>
          <dt>Started</dt>
          <dd>
            <When at={row.startedAt} />
          </dd>
          <dt>Finished</dt>
          <dd>
            <When at={row.closedAt} />
          </dd>
        </dl>
      </section>
      {runs.length > 1 && (
        <section class="panel" aria-labelledby="runs">
          <h2 id="runs">Runs of this id</h2>
          <ul class="runs">
            {runs.map((run) => (
              <li key={run.runId}>
                <Status word={run.status} />{" "}
                <a href={activityLink(row.id, run.runId)} aria-current={run.runId === row.runId ? "true" : undefined}>
                  <Foreign text={run.runId} />
                </a>{" "}
                <When at={run.startedAt} />
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

/** Deadlines that count down, by the engine's clock. */
export function Deadlines({ deadlines }: { deadlines: ActivityDetail["deadlines"] }): JSX.Element {
  return (
    <ul class="deadlines" aria-label="Deadlines">
      {deadlines.map(({ kind, at }) => {
        const due = readInstant(at);
        return (
          <li key={kind}>
            <span class="muted">{DEADLINE[kind]}</span>{" "}
            {due === undefined ? (
              <When at={at} />
            ) : (
              <strong>
                <Ticking write={(now) => (due >= now ? `in ${ticking(due - now)}` : `overdue ${ticking(now - due)}`)} />
              </strong>
            )}{" "}
            <span class="muted">
              <When at={at} />
            </span>
          </li>
        );
      })}
    </ul>
  );
}

/** The engine's history, page by page; each document is drawn when it is opened. */
export function HistoryPane({ detail }: { detail: ActivityDetail }): JSX.Element {
  const { id, runId, version } = detail.row;
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1);
  const page = useResource(`${id} ${runId} ${cursor ?? ""} ${cursor === undefined ? version : ""}`, (signal) =>
    get<HistoryPage>("history", { id, runId, cursor }, signal),
  );
  const [kept, setKept] = useState<HistoryPage>();
  if (page.data !== undefined && page.data !== kept) setKept(page.data);
  const shown = page.data ?? kept;
  return (
    <div class="history">
      {page.fault !== undefined && <Failed fault={page.fault} again={page.refresh} />}
      {shown === undefined && page.fault === undefined && <Loading what="the history" />}
      {shown !== undefined && (
        <ol>
          {shown.events.map((event) => (
            <Document
              key={event.sequence}
              name={
                <>
                  <span class="number muted">{event.sequence}</span> <When at={event.at} />{" "}
                  <ForeignLine text={event.type} />
                </>
              }
              document={event}
            />
          ))}
        </ol>
      )}
      <div class="buttons">
        {cursors.length > 0 && (
          <button
            type="button"
            onClick={() => {
              setCursors(cursors.slice(0, -1));
            }}
          >
            Previous page
          </button>
        )}
        {shown?.cursor != null && (
          <button
            type="button"
            onClick={() => {
              setCursors([...cursors, shown.cursor ?? ""]);
            }}
          >
            Next page
          </button>
        )}
      </div>
    </div>
  );
}

function Document({
  name,
  document,
  explained = null,
  isOpen = false,
}: {
  name: JSX.Element;
  document: Pick<HistoryLine, "json" | "isCut">;
  explained?: string | null;
  isOpen?: boolean;
}): JSX.Element {
  const [isShown, setShown] = useState(isOpen);
  return (
    <li>
      <details
        open={isShown}
        onToggle={(event) => {
          setShown(event.currentTarget.open);
        }}
      >
        <summary>{name}</summary>
        {isShown && (
          <div class="document">
            {explained !== null && (
              <pre class="explained" tabIndex={0} aria-label="What it says">
                <Foreign text={explained} />
              </pre>
            )}
            <pre class="part" tabIndex={0} aria-label="Document">
              <Foreign text={document.json} />
            </pre>
            <div class="value-tools">
              <CopyButton text={document.json}>Copy</CopyButton>
              {document.isCut && <span class="muted">It was too long to be shown whole: this is not all of it.</span>}
            </div>
          </div>
        )}
      </details>
    </li>
  );
}

/** The documents as they are on the wire, and what `dw-carrier inspect` says of them. */
export function DocumentsPane({ detail }: { detail: ActivityDetail }): JSX.Element {
  const { id, runId, version } = detail.row;
  const [kept, setKept] = useState<WireDocuments>();
  const wire = useResource(`${id} ${runId} ${version}`, (signal) => get<WireDocuments>("wire", { id, runId }, signal));
  if (wire.data !== undefined && wire.data !== kept) setKept(wire.data);
  const shown = wire.data ?? kept;
  if (shown === undefined) {
    return wire.fault === undefined ? (
      <Loading what="the documents" />
    ) : (
      <Failed fault={wire.fault} again={wire.refresh} />
    );
  }
  return (
    <ol class="history">
      {shown.documents.map((document, index) => (
        <Document
          key={document.name}
          name={<ForeignLine text={document.name} class="mono" />}
          document={document}
          explained={document.explained}
          isOpen={index === 0}
        />
      ))}
    </ol>
  );
}
