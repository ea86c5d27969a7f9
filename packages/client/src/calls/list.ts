import { fieldOf, LIST_PAGE, listField, nextPageField, PATHS, textField } from "@durable-workflow/engine-protocol";
import { STATUS_BUCKETS } from "@durable-workflow/engine-protocol/control";
import { ClientError } from "../errors/client-error.js";
import type { ActivitySummary, ListQuery } from "../handle.js";
import type { Scope } from "../scope.js";
import { unreadable } from "../trouble/ask-again.js";
import { readSummary } from "../wire/description.js";
import type { Bounds, Engine } from "../wire/engine.js";

/**
 * The activities of all pages, each asked for when it is come to.
 *
 * @param within gives each page a scope
 * @throws {TypeError} for a page size or a bucket that no engine takes; {ClientError}; the signal's reason
 */
export async function* list(
  engine: Engine,
  within: <T>(work: (scope: Scope) => Promise<T>) => Promise<T>,
  { bucket, pageSize = LIST_PAGE.default }: ListQuery,
): AsyncGenerator<ActivitySummary> {
  if (!Number.isSafeInteger(pageSize) || pageSize < 1 || pageSize > LIST_PAGE.most) {
    throw new TypeError(`pageSize must be an integer from 1 to ${LIST_PAGE.most}`);
  }
  if (bucket !== undefined && !STATUS_BUCKETS.includes(bucket))
    throw new TypeError('bucket must be "running", "completed" or "failed"');
  const seen = new Set<string>();
  let token: string | undefined;
  do {
    const asked = { page_size: String(pageSize), ...(bucket && { status: bucket }) };
    const wanted = token === undefined ? asked : { ...asked, next_page_token: token };
    const page = await within((scope) => pageOf(engine, wanted, engine.bounds(scope)));
    yield* page.activities;
    token = page.activities.length === 0 ? undefined : page.next;
    if (token !== undefined && seen.has(token)) {
      throw new ClientError("not_an_engine", `listing activities: ${engine.url} hands out the same page again`);
    }
    if (token !== undefined) seen.add(token);
  } while (token !== undefined);
}

interface SummaryPage {
  readonly activities: readonly ActivitySummary[];
  readonly next: string | undefined;
}

async function pageOf(engine: Engine, query: Record<string, string>, bounds: Bounds): Promise<SummaryPage> {
  const about = { what: "listing activities" };
  const path = `${PATHS.activities}?${new URLSearchParams(query).toString()}`;
  const answer = await engine.ask({ method: "GET", path }, about, bounds);
  const { document } = answer;
  const activities = listField(document, "activities").map(readSummary);
  if (!Array.isArray(fieldOf(document, "activities")) || !activities.every((one) => one !== undefined)) {
    throw unreadable(engine, answer, about);
  }
  return { activities, next: textField(document, nextPageField(document)) };
}
