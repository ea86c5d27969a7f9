import type { JSX } from "preact";
import { type Attention, type Counts, type Overview, STATUS_WORDS } from "../../api/index.js";
import { filterValue } from "../list/filter.js";
import { get } from "../live/api.js";
import { useResource } from "../live/resource.js";
import { useSignal } from "../live/signal.js";
import { stream } from "../live/stream.js";
import { Empty, Failed, Loading } from "../parts/states.js";
import { FAMILY, StatusIcon } from "../parts/status.js";
import { ForeignLine, When } from "../parts/text.js";
import { CarrierTable, QueueTable } from "../queues/tables.js";
import { writeRoute } from "../route/route.js";
import { count } from "../text/amounts.js";
import { readInstant } from "../text/instants.js";
import { FirstSteps } from "./first-steps.js";
import { SeriesPlots } from "./series.js";

/** Is anything wrong, and where? */
export function OverviewScreen(): JSX.Element {
  const fetched = useResource("overview", (signal) => get<Overview>("overview", {}, signal));
  const told = useSignal(stream.overview);
  const overview = newer(told, fetched.data);
  if (overview === undefined) {
    return (
      <>
        <h1>Overview</h1>
        {fetched.fault === undefined ? (
          <Loading what="the overview" />
        ) : (
          <Failed fault={fetched.fault} again={fetched.refresh} />
        )}
      </>
    );
  }
  const { counts, series, queues, carriers, attention } = overview;
  const total = STATUS_WORDS.reduce((sum, word) => sum + counts.byStatus[word], 0);
  return (
    <>
      <h1>Overview</h1>
      {attention.length > 0 && <NeedsAttention items={attention} />}
      <section aria-labelledby="by-status">
        <h2 id="by-status">Activities{counts.isExact ? "" : " (the newest ones)"}</h2>
        <ul class="tiles">
          {STATUS_WORDS.map((word) => (
            <li key={word}>
              <a
                class={`tile ${counts.byStatus[word] === 0 ? "none" : FAMILY[word]}`}
                href={writeRoute(["l"], { status: word })}
              >
                <span class="tile-word">
                  <StatusIcon word={word} /> {word}
                </span>
                <strong>{count(counts.byStatus[word])}</strong>
              </a>
            </li>
          ))}
        </ul>
        {counts.scope !== null && <p class="muted">{counts.scope}</p>}
      </section>
      {total === 0 && (
        <Empty>
          <FirstSteps />
        </Empty>
      )}
      {series !== null && <SeriesPlots series={series} />}
      <section aria-labelledby="queues">
        <h2 id="queues">Queues</h2>
        {queues.length === 0 ? (
          <Empty>
            <p>No queue yet: one is there as soon as a worker asks it, or an activity is started on it.</p>
          </Empty>
        ) : (
          <QueueTable queues={queues} />
        )}
      </section>
      {carriers !== null && carriers.length > 0 && (
        <section aria-labelledby="carriers">
          <h2 id="carriers">Carriers</h2>
          <CarrierTable carriers={carriers} />
        </section>
      )}
      <div class="columns wide">
        <CountTable
          title="By type"
          filter="type"
          rows={counts.byType.map((one) => ({ name: one.type, counts: one.counts }))}
        />
        <CountTable
          title="By queue"
          filter="queue"
          rows={counts.byQueue.map((one) => ({ name: one.queue, counts: one.counts }))}
        />
      </div>
    </>
  );
}

function newer(one: Overview | undefined, other: Overview | undefined): Overview | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return (readInstant(one.asOf) ?? 0) >= (readInstant(other.asOf) ?? 0) ? one : other;
}

function NeedsAttention({ items }: { items: readonly Attention[] }): JSX.Element {
  return (
    <section aria-labelledby="attention">
      <h2 id="attention">Needs attention</h2>
      <ul class="attention">
        {items.map(({ kind, text, since, filter, failure }, index) => (
          <li key={index} class={kind === "failing" || kind === "same_failure" ? "bad" : "trouble"}>
            <StatusIcon word={kind === "failing" ? "failed" : kind === "same_failure" ? "retrying" : "stalled"} />
            <div class="attention-text">
              <ForeignLine text={text} class="whole" />
              {failure !== null && (
                <span class="muted">
                  <ForeignLine
                    text={[failure.type, failure.message].filter((part) => part !== null).join(": ")}
                    class="whole"
                  />
                </span>
              )}
            </div>
            {since !== null && (
              <span class="muted">
                since <When at={since} />
              </span>
            )}
            <a
              class="button"
              href={writeRoute(["l"], {
                status: filter.status.join(","),
                type: filterValue(filter.type ?? ""),
                queue: filterValue(filter.queue ?? ""),
              })}
            >
              Show
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function CountTable({
  title,
  filter,
  rows,
}: {
  title: string;
  filter: "type" | "queue";
  rows: readonly { readonly name: string; readonly counts: Counts["byStatus"] }[];
}): JSX.Element {
  if (rows.length === 0) return <></>;
  const words = STATUS_WORDS.filter((word) => rows.some(({ counts }) => counts[word] > 0));
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      <div class="scroll-x" tabIndex={0} role="group" aria-label={`${title}, counts`}>
        <table>
          <thead>
            <tr>
              <th scope="col">{filter}</th>
              {words.map((word) => (
                <th key={word} scope="col" class="number">
                  <span class={`status ${FAMILY[word]}`}>
                    <StatusIcon word={word} /> {word}
                  </span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, 25).map(({ name, counts }) => (
              <tr key={name}>
                <th scope="row" class="name">
                  <a href={writeRoute(["l"], { [filter]: filterValue(name) })}>
                    <ForeignLine text={name} />
                  </a>
                </th>
                {words.map((word) => (
                  <td key={word} class="number">
                    {counts[word] === 0 ? (
                      <span class="muted">0</span>
                    ) : (
                      <a class="plain" href={writeRoute(["l"], { [filter]: filterValue(name), status: word })}>
                        {count(counts[word])}
                      </a>
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > 25 && <p class="muted">and {rows.length - 25} more</p>}
    </section>
  );
}
