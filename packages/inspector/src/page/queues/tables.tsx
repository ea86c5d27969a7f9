import type { JSX } from "preact";
import type { CarrierState, Queue, Worker } from "../../api/index.js";
import { filterValue } from "../list/filter.js";
import { Foreign, ForeignLine, Ticking, When } from "../parts/text.js";
import { writeRoute } from "../route/route.js";
import { count, ticking } from "../text/amounts.js";
import { readInstant } from "../text/instants.js";

/** Capacity against demand. */
export function QueueTable({ queues }: { queues: readonly Queue[] }): JSX.Element {
  return (
    <div class="scroll-x" tabIndex={0} role="group" aria-label="Queues">
      <table>
        <thead>
          <tr>
            <th scope="col">Queue</th>
            <th scope="col" class="number">
              Queued
            </th>
            <th scope="col" class="number">
              Oldest
            </th>
            <th scope="col" class="number">
              Running / slots
            </th>
            <th scope="col" class="number">
              Workers
            </th>
            <th scope="col">State</th>
          </tr>
        </thead>
        <tbody>
          {queues.map((queue) => (
            <tr key={queue.queue}>
              <th scope="row" class="name">
                <a href={writeRoute(["q", queue.queue])}>
                  <ForeignLine text={queue.queue} />
                </a>
              </th>
              <td class="number">{count(queue.queued)}</td>
              <td class="number">
                {queue.oldestSince === null ? <span class="muted">–</span> : <Age since={queue.oldestSince} />}
              </td>
              <td class="number">
                {count(queue.running)} / {count(slotsOf(queue))}
              </td>
              <td class="number">{count(queue.workers.filter(({ state }) => state !== "silent").length)}</td>
              <td class="verdict">
                <Verdict queue={queue} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function slotsOf({ workers }: Queue): number {
  return workers.reduce((sum, worker) => sum + (worker.state === "silent" ? 0 : worker.slots), 0);
}

export function Age({ since }: { since: string }): JSX.Element {
  const ms = readInstant(since);
  if (ms === undefined) return <When at={since} />;
  return <Ticking write={(now) => ticking(now - ms)} />;
}

const VERDICT_CLASS: Readonly<Record<Queue["verdict"]["state"], string>> = {
  idle: "idle",
  moving: "good",
  waiting: "trouble",
  no_worker: "trouble",
  busy: "active",
  draining: "trouble",
};

const VERDICT_WORD: Readonly<Record<Queue["verdict"]["state"], string>> = {
  idle: "idle",
  moving: "moving",
  waiting: "waiting",
  no_worker: "no worker",
  busy: "full",
  draining: "draining",
};

export function Verdict({ queue }: { queue: Queue }): JSX.Element {
  const { state, text } = queue.verdict;
  return (
    <>
      <span class={`tag ${VERDICT_CLASS[state]}`}>{VERDICT_WORD[state]}</span> <Foreign text={text} most={400} />
    </>
  );
}

const WORKER_CLASS: Readonly<Record<Worker["state"], string>> = { asking: "good", full: "active", silent: "trouble" };

export function WorkerTable({ workers }: { workers: readonly Worker[] }): JSX.Element {
  return (
    <div class="scroll-x" tabIndex={0} role="group" aria-label="Workers">
      <table>
        <thead>
          <tr>
            <th scope="col">Worker</th>
            <th scope="col">State</th>
            <th scope="col" class="number">
              Running / slots
            </th>
            <th scope="col" class="number">
              Last heard
            </th>
            <th scope="col">Runtime</th>
            <th scope="col">Types</th>
          </tr>
        </thead>
        <tbody>
          {workers.map((worker) => (
            <tr key={`${worker.id} ${worker.queue}`}>
              <th scope="row" class="name">
                <ForeignLine text={worker.id} />
              </th>
              <td>
                <span class={`tag ${WORKER_CLASS[worker.state]}`}>{worker.state}</span>
              </td>
              <td class="number">
                {worker.running === null ? "–" : count(worker.running)} / {count(worker.slots)}
              </td>
              <td class="number">
                <Age since={worker.lastHeardAt} /> ago
              </td>
              <td>
                <ForeignLine text={[worker.runtime, worker.sdkVersion].filter((part) => part !== null).join(" ")} />
              </td>
              <td class="wrap">
                <TypeNames types={worker.types} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function TypeNames({ types }: { types: readonly string[] }): JSX.Element {
  const most = 12;
  return (
    <>
      {types.slice(0, most).map((type, index) => (
        <span key={type}>
          {index > 0 && ", "}
          <a href={writeRoute(["l"], { type: filterValue(type) })}>
            <Foreign text={type} most={120} />
          </a>
        </span>
      ))}
      {types.length > most && <span class="muted"> and {types.length - most} more</span>}
      {types.length === 0 && <span class="muted">none</span>}
    </>
  );
}

const BREAKER: Readonly<Record<CarrierState["breaker"], readonly [string, string]>> = {
  closed: ["good", "delivers"],
  half_open: ["trouble", "tries one"],
  open: ["bad", "paused after failures"],
};

export function CarrierTable({ carriers }: { carriers: readonly CarrierState[] }): JSX.Element {
  return (
    <div class="scroll-x" tabIndex={0} role="group" aria-label="Carriers">
      <table>
        <thead>
          <tr>
            <th scope="col">Carrier</th>
            <th scope="col">Address</th>
            <th scope="col">Breaker</th>
            <th scope="col" class="number">
              Failures in a row
            </th>
            <th scope="col">Last error</th>
          </tr>
        </thead>
        <tbody>
          {carriers.map((carrier) => (
            <tr key={carrier.name}>
              <th scope="row" class="name">
                <ForeignLine text={carrier.name} />
              </th>
              <td class="mono">
                <ForeignLine text={carrier.url} />
              </td>
              <td>
                <span class={`tag ${BREAKER[carrier.breaker][0]}`}>{BREAKER[carrier.breaker][1]}</span>
              </td>
              <td class="number">{count(carrier.failuresInRow)}</td>
              <td>
                {carrier.lastError === null ? (
                  <span class="muted">–</span>
                ) : (
                  <>
                    <ForeignLine
                      text={[carrier.lastError.type, carrier.lastError.message]
                        .filter((part) => part !== null)
                        .join(": ")}
                    />{" "}
                    <span class="muted">
                      <When at={carrier.lastErrorAt} />
                    </span>
                  </>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
