/** An attempt as the engine's list shows it. */
export interface RecordedAttempt {
  readonly id: string;
  readonly attempt_number: number;
  readonly status: string;
  readonly lease_owner: string | null;
}

/** An activity's run as the engine's list shows it. */
export interface RecordedRun {
  readonly activity_id: string;
  readonly workflow_run_id: string;
  readonly activity_execution_id: string;
  readonly status: string;
  readonly attempt_count: number;
  readonly attempts: readonly RecordedAttempt[];
}

export interface RecordedEvent {
  readonly sequence: number;
  readonly event_type: string;
}

const HEADERS = { "x-durable-workflow-control-plane-version": "2" };
const PAGE = 200;

/** Every run that the engine has on record, the newest first. @param query more of the query, from `&` on */
export async function* recordedRuns(url: string, query = ""): AsyncGenerator<RecordedRun> {
  let token: string | null = null;
  do {
    const next: string = token === null ? "" : `&next_page_token=${encodeURIComponent(token)}`;
    const page = (await ask(`${url}/api/activities?page_size=${PAGE}${query}${next}`)) as {
      readonly activities: readonly RecordedRun[];
      readonly next_page_token: string | null;
    };
    yield* page.activities;
    token = page.next_page_token;
  } while (token !== null);
}

/** The history of a run. */
export async function historyOf(url: string, id: string, runId: string): Promise<readonly RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  let token: string | null = null;
  do {
    const next: string = token === null ? "" : `?next_page_token=${encodeURIComponent(token)}`;
    const page = (await ask(`${url}/api/workflows/${id}/runs/${runId}/history${next}`)) as {
      readonly events: readonly RecordedEvent[];
      readonly next_page_token: string | null;
    };
    events.push(...page.events);
    token = page.next_page_token ?? null;
  } while (token !== null);
  return events;
}

async function ask(url: string): Promise<unknown> {
  const response = await fetch(url, { headers: HEADERS });
  if (!response.ok) throw new Error(`${url} was answered ${response.status}: ${await response.text()}`);
  return response.json();
}
