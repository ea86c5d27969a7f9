// What a client does, whichever runtime it is on. The answer is compared with what Node gives.
import { activityContract, createClient, isActivityOutcomeError, isClientError } from "@durable-workflow/client";

const echo = activityContract("echo", { taskQueue: "runtimes" }).types();

function codeOf(error) {
  if (isActivityOutcomeError(error)) return `${error.kind}: ${error.failure?.type}: ${error.failure?.message}`;
  return isClientError(error) ? error.code : String(error);
}

export async function clientCases(serverUrl, closedUrl) {
  const client = createClient({ serverUrl, token: () => "operator-token", defaults: { taskQueue: "runtimes" } });
  const told = {};
  told.result = await client.execute(echo, ["Ada", 7, [true, null]]);
  told.failure = await client.execute("fail", []).catch(codeOf);
  const large = "lamp ".repeat(30_000);
  told.large = (await client.execute(echo, [large]))[0] === large;
  const running = await client.start("never", [], { id: `one-${crypto.randomUUID()}` });
  told.twice = await client.start("never", [], { id: running.activityId }).catch(codeOf);
  told.attached = (await client.start("never", [], { id: running.activityId, onRunning: "attach" })).started;
  told.waited = await running.result({ timeoutMs: 150 }).catch(codeOf);
  told.cancelled = [await running.cancel(), (await running.outcome()).kind, await running.cancel()];
  told.notThere = await client.handle("nobody").describe().catch(codeOf);
  const many = [];
  for await (const { index, error } of client.startMany("never", [[1], [2], [3]])) many.push(error?.code ?? index);
  told.many = many.toSorted((one, other) => one - other);
  const aborted = new AbortController();
  const waiting = client.handle(running.activityId).result({ signal: aborted.signal }).catch(codeOf);
  aborted.abort(new Error("enough"));
  told.aborted = await waiting;
  told.unreachable = await createClient({ serverUrl: closedUrl }).start("x", []).catch(codeOf);
  await client.close();
  return told;
}
