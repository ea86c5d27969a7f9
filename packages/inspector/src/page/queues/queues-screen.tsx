import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Overview, Queue } from "../../api/index.js";
import { ActionDialog, type Question } from "../actions/action-dialog.js";
import { filterValue } from "../list/filter.js";
import { get } from "../live/api.js";
import { capabilities, refusalOfActions } from "../live/engine.js";
import { useResource, useThrottled } from "../live/resource.js";
import { useSignal } from "../live/signal.js";
import { stream } from "../live/stream.js";
import { Empty, Failed, Loading } from "../parts/states.js";
import { Foreign, ForeignLine, When } from "../parts/text.js";
import { writeRoute } from "../route/route.js";
import { count } from "../text/amounts.js";
import { Age, CarrierTable, QueueTable, slotsOf, Verdict, WorkerTable } from "./tables.js";

const REFRESH_MS = 1000;

/** What is fetched here is kept fresh by what the stream tells of the whole. */
function useOverview(): { overview: Overview | undefined; failed: JSX.Element | undefined; refresh: () => void } {
  const fetched = useResource("queues", (signal) => get<Overview>("overview", {}, signal));
  const refresh = useThrottled(fetched.refresh, REFRESH_MS);
  const told = useSignal(stream.overview);
  useEffect(() => stream.listen({ rows: refresh, reset: refresh }), [refresh]);
  const overview =
    told !== undefined && (fetched.data === undefined || told.asOf > fetched.data.asOf) ? told : fetched.data;
  const failed = fetched.fault === undefined ? undefined : <Failed fault={fetched.fault} again={fetched.refresh} />;
  return { overview, failed, refresh: fetched.refresh };
}

/** Queues, the workers that ask them, and the carriers behind. */
export function QueuesScreen(): JSX.Element {
  const { overview, failed } = useOverview();
  const workers = overview?.queues.flatMap((queue) => queue.workers) ?? [];
  return (
    <>
      <h1>Queues</h1>
      {failed}
      {overview === undefined && failed === undefined && <Loading what="the queues" />}
      {overview !== undefined && overview.queues.length === 0 && (
        <Empty>
          <p>No queue yet: one is there as soon as a worker asks it, or an activity is started on it.</p>
        </Empty>
      )}
      {overview !== undefined && overview.queues.length > 0 && <QueueTable queues={overview.queues} />}
      {workers.length > 0 && (
        <section aria-labelledby="workers">
          <h2 id="workers">Workers</h2>
          <WorkerTable workers={workers} />
        </section>
      )}
      {overview?.carriers != null && overview.carriers.length > 0 && (
        <section aria-labelledby="carriers">
          <h2 id="carriers">Carriers</h2>
          <CarrierTable carriers={overview.carriers} />
        </section>
      )}
    </>
  );
}

/** One queue: its backlog by type, who takes what, and draining it. */
export function QueueScreen({ name }: { name: string }): JSX.Element {
  const { overview, failed, refresh } = useOverview();
  const queue = overview?.queues.find((one) => one.queue === name);
  return (
    <>
      <h1 class="wrap">
        <span class="muted">Queue</span> <Foreign text={name} />
      </h1>
      {failed}
      {overview === undefined && failed === undefined && <Loading what="the queue" />}
      {overview !== undefined && queue === undefined && (
        <Empty>
          <p>Nothing is known of a queue with this name: no worker asks it, and no activity waits in it.</p>
        </Empty>
      )}
      {queue !== undefined && <QueueDetail queue={queue} refresh={refresh} />}
    </>
  );
}

function QueueDetail({ queue, refresh }: { queue: Queue; refresh: () => void }): JSX.Element {
  const [question, setQuestion] = useState<Question>();
  const known = useSignal(capabilities);
  const features = known?.features;
  const refusal = refusalOfActions(useSignal(stream.freshness).state, known);
  const isDraining = queue.drainingSince !== null;
  const ask = (): void => {
    if (refusal !== undefined) return;
    setQuestion(
      isDraining
        ? {
            title: "Resume this queue?",
            text: `The queue ${queue.queue} takes new activities again.`,
            verb: "Resume it",
            isDestructive: false,
            request: { action: "resume_queue", queue: queue.queue },
          }
        : {
            title: "Drain this queue?",
            text: `The queue ${queue.queue} refuses new activities until it is resumed. What is queued is still handed out, and what runs goes on.`,
            verb: "Drain it",
            isDestructive: true,
            request: { action: "drain_queue", queue: queue.queue },
          },
    );
  };
  return (
    <>
      <p>
        <Verdict queue={queue} />
      </p>
      <div class="buttons">
        {features?.drainQueue !== false && (
          <button
            type="button"
            class={isDraining ? "main" : "danger"}
            aria-disabled={refusal !== undefined}
            title={refusal}
            onClick={ask}
          >
            {isDraining ? "Resume" : "Drain"}
          </button>
        )}
        <a class="button" href={writeRoute(["l"], { queue: filterValue(queue.queue) })}>
          Show its activities
        </a>
        <a class="button" href={writeRoute(["start"], { queue: queue.queue })}>
          Start one here
        </a>
      </div>
      <dl class="facts">
        <dt>Queued</dt>
        <dd>{count(queue.queued)}</dd>
        <dt>Delayed</dt>
        <dd>{count(queue.delayed)}</dd>
        <dt>Running / slots</dt>
        <dd>
          {count(queue.running)} / {count(slotsOf(queue))}
        </dd>
        <dt>Oldest</dt>
        <dd>{queue.oldestSince === null ? "none waits" : <Age since={queue.oldestSince} />}</dd>
        {queue.drainingSince !== null && (
          <>
            <dt>Draining since</dt>
            <dd>
              <When at={queue.drainingSince} />
            </dd>
          </>
        )}
      </dl>
      {queue.types.length > 0 && (
        <section aria-labelledby="types">
          <h2 id="types">Types</h2>
          <div class="scroll-x" tabIndex={0} role="group" aria-label="Types of this queue">
            <table>
              <thead>
                <tr>
                  <th scope="col">Type</th>
                  <th scope="col" class="number">
                    Queued
                  </th>
                  <th scope="col" class="number">
                    Running
                  </th>
                  <th scope="col" class="number">
                    Workers that take it
                  </th>
                </tr>
              </thead>
              <tbody>
                {queue.types.map((type) => (
                  <tr key={type.type}>
                    <th scope="row" class="name">
                      <a href={writeRoute(["l"], { queue: filterValue(queue.queue), type: filterValue(type.type) })}>
                        <ForeignLine text={type.type} />
                      </a>
                    </th>
                    <td class="number">{count(type.queued)}</td>
                    <td class="number">{count(type.running)}</td>
                    <td class="number">{count(type.workers)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
      <section aria-labelledby="workers">
        <h2 id="workers">Workers</h2>
        {queue.workers.length === 0 ? (
          <Empty>
            <p>No worker has registered for this queue.</p>
          </Empty>
        ) : (
          <WorkerTable workers={queue.workers} />
        )}
      </section>
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
