import { LONGEST_NAME, PATHS, TASK_BATCH } from "@durable-workflow/engine-protocol";
import type { ReportReply, ReportsAnswer } from "@durable-workflow/engine-protocol/worker";
import type { Call, JsonObject, Reply } from "../http/call.js";
import { Fields, invalidField, isObject } from "../http/fields.js";
import { replyTo } from "../http/request-handler.js";
import type { Route } from "../http/router.js";
import { complete, fail } from "./activity-tasks.js";
import { type ApiParts, WORKER_ROLES } from "./parts.js";

/**
 * Several reports in one request, an addition of this engine's: each is judged by itself, in the order in which they stand, as
 * its own route would judge it. What they record goes to disk together.
 */
export function activityReportsRoutes(parts: ApiParts): readonly Route[] {
  const handle = (call: Call): Promise<Reply> => reports(parts, call);
  return [{ method: "POST", plane: "worker", roles: WORKER_ROLES, pattern: PATHS.reports, handle }];
}

async function reports(parts: ApiParts, call: Call): Promise<Reply> {
  const given = call.body["reports"];
  if (!Array.isArray(given)) throw invalidField("reports", "The reports field must be an array.");
  if (given.length === 0) throw invalidField("reports", "The reports field must have at least 1 item.");
  if (given.length > TASK_BATCH.reports) {
    throw invalidField("reports", `The reports field must not have more than ${TASK_BATCH.reports} items.`);
  }
  // What a report's route looks for in the text of its body, it need not look for in each: most have none of it.
  const isPlain = !call.rawBody.includes("external_storage") && !call.rawBody.includes(String.raw`\u`);
  const answers = await Promise.all(
    given.map((report: unknown) => {
      const rawBody = isPlain ? "" : JSON.stringify(report);
      return answerOf(parts, { ...call, rawBody }, report);
    }),
  );
  return { status: 200, body: { reports: answers } satisfies ReportsAnswer };
}

async function answerOf(parts: ApiParts, call: Call, report: unknown): Promise<ReportReply> {
  let reply: Reply;
  try {
    reply = await record(parts, call, report);
  } catch (error) {
    reply = replyTo(error, parts.context.logger);
  }
  const retryAfter = reply.headers?.["Retry-After"];
  const { status, body } = reply;
  return { status, body, ...(retryAfter === undefined ? {} : { retry_after: retryAfter }) };
}

function record(parts: ApiParts, call: Call, report: unknown): Promise<Reply> {
  if (!isObject(report)) throw invalidField("report", "The report must be an object.");
  const body: JsonObject = report;
  const fields = new Fields();
  const task = fields.string(body, "task_id", { required: true, max: LONGEST_NAME }) ?? "";
  const isFailure = "failure" in body;
  if (isFailure === "result" in body) fields.add("result", "The report must have either a result or a failure.");
  fields.check();
  const own: Call = { ...call, params: { task }, body };
  return isFailure ? fail(parts, own) : complete(parts, own);
}
