import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { EXTERNAL_TASK_INPUT_MEDIA_TYPE, EXTERNAL_TASK_RESULT_MEDIA_TYPE } from "@durable-workflow/carrier/protocol";
import { isObject, PATHS, pathTo } from "@durable-workflow/engine-protocol";
import type { ExecutorConfigRuntime } from "@durable-workflow/engine-protocol/control";
import { CONFIG_MAPPING_SCHEMA, configError, redact } from "@durable-workflow/engine-protocol/executor-config";
import { OWNERSHIP_FIELDS, type PolledDispatch, type PolledMapping } from "@durable-workflow/engine-protocol/worker";
import { failureMapping, RETRY_AUTHORITY } from "../contract/invocable-carrier.js";
import type { LeaseOut } from "../service/leases.js";
import { deadlinesToWire } from "../wire/task.js";
import { type Mapping, type ReadConfig, readConfig, unreadable } from "./config.js";

interface Loaded {
  /** What tells one state of the file from the next. */
  readonly stamp: string;
  readonly config: ReadConfig;
  readonly mappings: ReadonlyMap<string, Mapping>;
}

/** The configured external executor config: read again when the file has changed, and never half of it. */
export class ExternalExecutor {
  private readonly path: string | undefined;
  private readonly overlay: string | undefined;
  private loaded: Loaded | undefined;

  constructor(options: { readonly path: string; readonly overlay?: string } | undefined) {
    this.path = options?.path;
    this.overlay = options?.overlay;
  }

  /** What a task carries of the config, or undefined where no mapping fits it, or the config has errors. */
  mappingOf(lease: LeaseOut): PolledMapping | undefined {
    if (this.path === undefined) return undefined;
    const { activityType, taskQueue } = lease.run;
    const mapping = this.load(this.path).mappings.get(JSON.stringify([taskQueue, activityType]));
    return mapping && mappingToWire(mapping, lease);
  }

  /** How it stands with the config, for `GET /api/cluster/info`. */
  runtime(): ExecutorConfigRuntime {
    if (this.path === undefined) {
      return {
        configured: false,
        status: "not_configured",
        source: null,
        overlay: null,
        summary: { carrier_count: 0, mapping_count: 0, mapping_kinds: [] },
        errors: [],
      };
    }
    const { config } = this.load(this.path);
    const { carrierCount, mappingCount, mappingKinds, errors } = config;
    return {
      configured: true,
      status: errors.length === 0 ? "valid" : "invalid",
      source: {
        type: "file",
        basename: basename(this.path),
        sha256: createHash("sha256").update(this.path).digest("hex"),
      },
      overlay: this.overlay ?? null,
      summary: { carrier_count: carrierCount, mapping_count: mappingCount, mapping_kinds: mappingKinds },
      errors: errors.map(({ code, message, context }) => ({ code, message, context })),
    };
  }

  private load(path: string): Loaded {
    let stamp = "";
    try {
      const { mtimeMs, size, ino } = statSync(path);
      stamp = `${mtimeMs} ${size} ${ino}`;
      if (this.loaded?.stamp === stamp) return this.loaded;
      this.loaded = loadedFrom(stamp, readConfig(readFileSync(path, "utf8"), this.overlay));
    } catch {
      const context = { basename: basename(path) };
      const error = configError("unreadable_config", "External executor config cannot be read.", context);
      this.loaded = loadedFrom(stamp, unreadable([error]));
    }
    return this.loaded;
  }
}

function loadedFrom(stamp: string, config: ReadConfig): Loaded {
  const mappings = new Map(
    config.mappings.map((mapping) => [JSON.stringify([mapping.taskQueue, mapping.activityType]), mapping]),
  );
  return { stamp, config, mappings };
}

function mappingToWire(mapping: Mapping, lease: LeaseOut): PolledMapping {
  const { carrier, carrierName, authRef, auth, rollout, metadata } = mapping;
  return {
    schema: CONFIG_MAPPING_SCHEMA,
    version: 1,
    name: mapping.name,
    kind: "activity",
    activity_type: mapping.activityType,
    task_queue: mapping.taskQueue,
    handler: mapping.handler,
    carrier: { name: carrierName, type: carrier["type"], target: redact(carrier) },
    ...(authRef === undefined ? {} : { auth_ref: authRef, auth: redact(auth) }),
    ...(rollout === undefined ? {} : { rollout: redact(rollout) }),
    ...(metadata === undefined ? {} : { metadata: redact(metadata) }),
    ...(carrier["type"] === "invocable_http" ? { dispatch: dispatchOf(mapping, lease) } : {}),
  };
}

/** How the one who polls is to call the carrier. The engine never does. */
function dispatchOf({ carrier }: Mapping, { run, attemptId }: LeaseOut): PolledDispatch {
  const { timeout_seconds: timeout, retry_policy: retry } = carrier;
  const task = { task: run.state.task.id };
  return {
    state: "poll_delivered",
    carrier_type: "invocable_http",
    method: "POST",
    request_content_type: EXTERNAL_TASK_INPUT_MEDIA_TYPE,
    response_content_type: EXTERNAL_TASK_RESULT_MEDIA_TYPE,
    ...(timeout === undefined ? {} : { timeout_seconds: timeout }),
    task_deadline_fields: Object.keys(deadlinesToWire(run.state)),
    idempotency_key: attemptId,
    idempotency_key_source: "task.activity_attempt_id",
    retry_authority: RETRY_AUTHORITY,
    ...(isObject(retry)
      ? {
          transport_retry_policy: {
            ...retry,
            authority: "carrier_transport_only",
            durable_retry_boundary: "activity_retry_policy_after_result_reporting",
          },
        }
      : {}),
    failure_mapping: failureMapping,
    result_reporting: {
      complete_path: pathTo(PATHS.complete, task),
      fail_path: pathTo(PATHS.fail, task),
      ownership_fields: OWNERSHIP_FIELDS,
    },
  };
}
