// The page docs/reference/error-codes.md, which scripts/reference.mjs writes: every code from where this repository's code
// declares it, with what stands beside it there; and from here whether trying again helps, and what to do. A code without an
// entry here, and an entry without a code, end it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { table } from "./config-reference.mjs";
import { root } from "./lib.mjs";

const WHAT = "what, and _what to do_";
const NO = "no";
const YES = "yes";

const read = (file) => readFileSync(join(root, "packages", file), "utf8");
const built = (file) => import(pathToFileURL(join(root, "packages", file)).href);

/** Whether what the dispatcher records for an answer of this status may be retried, by a carrier's own default. */
async function isRetriedStatus({ status }) {
  const { reportOf } = await built("dispatcher/dist/delivery/result-mapping.js");
  const { isRetryableStatus } = await built("dispatcher/dist/delivery/retry.js");
  const { parseExecutorConfig } = await built("engine-protocol/dist/executor-config/index.js");
  const { mappings } = parseExecutorConfig({
    schema: "durable-workflow.external-executor.config",
    version: 1,
    carriers: { one: { type: "invocable_http", url: "http://127.0.0.1:9/" } },
    mappings: [{ name: "a", kind: "activity", activity_type: "a", task_queue: "a", carrier: "one", handler: "a" }],
  });
  const temporary = isRetryableStatus(mappings[0].carrier.retryPolicy, Number(status));
  const answer = { kind: "http", status: Number(status), body: { text: "", blobs: new Map() }, temporary };
  const { report } = reportOf({}, answer, { carrier: "one", scrub: (text) => text });
  return report.failure.retryable;
}

async function isRetriedStorageError({ code }) {
  const { ExternalStorageError } = await built("carrier/dist/storage/errors.js");
  return new ExternalStorageError(code, "").retryable;
}

/**
 * The members of a union, a list or a table of statuses in a source, each with the comment behind it.
 *
 * @returns `{ code, comment, status }`, in the order of the source
 */
export function declaredCodes(source, name) {
  const declaration = new RegExp(`\\b(?:type|const) ${name} =([^]*?)(?:^\\S|;(?: *//[^\\n]*)?\\n)`, "m").exec(source);
  if (declaration === null) throw new Error(`there is no ${name}`);
  // The comment of the last member of a union stands behind the semicolon.
  const [text] = declaration;
  const members = text.matchAll(/^ +(?:\| |(\d{3}): )?(?:"(\w+)"|([A-Z_]+))[;,]?(?: *\/\/ (.+))?$/gm);
  return [...members].map(([, status, code, constant, comment = ""]) => ({
    code: code ?? constant.toLowerCase(),
    comment,
    status,
  }));
}

/** What one part of this declares: `[whether to try again, what to do]` for each code. */
const PARTS = [
  {
    title: "The carrier, over HTTP",
    who: '`error` of an answer that is no result envelope. "Again" is whether the failure that a dispatcher records for it, `MalformedOutput`, may be retried; before that it delivers again by itself, as the carrier\'s `retry_policy` has it.',
    file: "carrier/src/http/responses.ts",
    name: "ERRORS",
    again: isRetriedStatus,
    codes: {
      invalid_invocable_request: [
        "Send an external task input envelope: `dw-carrier inspect FILE` says what is wrong with one.",
      ],
      unauthorized: ["Give the dispatcher the token that the carrier's gate wants: `auth_ref` of the carrier."],
      origin_refused: ["Do not call a carrier from a browser. If you must, put a gate before it (`auth`)."],
      method_not_allowed: ["POST to the carrier's own path."],
      payload_too_large: ["Pass [large payloads](../write/large-payloads.md) by reference, or raise `bodyLimitBytes`."],
      unsupported_content_encoding: ["Send the body as it is; look for a proxy that compresses requests."],
      request_body_unavailable: [
        "Mount the adapter before body parsers, or hand it the parsed body: [HTTP and adapters](../host/http.md).",
      ],
      handler_failed: [
        "Look into the carrier's log: an `InvocableHandler` of your own must not reject, and the files of this package must be there.",
      ],
      overloaded: [
        "Nothing, if it passes. Else more carriers, or more at once: `maxConcurrentTasks`, `maxConcurrentBodyBytes`.",
      ],
    },
  },
  {
    title: "Payloads",
    who: "`code` of a `PayloadError`, at the front of its message; of a failure `PayloadDecodeFailure` or `ResultEncodeFailure` in its details.",
    file: "carrier/src/payload/errors.ts",
    name: "PayloadErrorCode",
    codes: {
      invalid_payload_framing: [NO, "Find who wrote it: `dw-carrier inspect FILE` shows how far it can be read."],
      unsupported_payload_schema: [NO, "Encode it with a released SDK: the frame of prototypes had another schema."],
      unsupported_payload_codec: [NO, "Let the caller send `avro`; carriers read no other codec."],
      invalid_map_key: [NO, "Make every key of a map a text without halves of surrogate pairs."],
      integer_overflow: [NO, "Send it as a text or as bytes: integers have 64 bits."],
      non_finite_float: [NO, "Send null, or a text, in the place of NaN and infinities."],
      unsupported_value_type: [
        NO,
        "Return null, booleans, numbers, `bigint`, texts, `Uint8Array`, lists and plain objects: [payloads](../write/payloads.md).",
      ],
    },
  },
  {
    title: "External storage",
    who: "`code` of an `ExternalStorageError` of the carrier.",
    file: "carrier/src/storage/errors.ts",
    name: "ExternalStorageErrorCode",
    again: isRetriedStorageError,
    codes: {
      no_driver: ["Give `externalStorage` a driver for the scheme of that reference."],
      foreign_reference: ["Let caller and carrier use the same bucket, container or folder, and the same prefix."],
      expired_reference: [
        "Start the activity again: its arguments are stored anew. Let references live longer than an activity may wait.",
      ],
      oversized_reference: ["A carrier reads no payload over 256 MiB: pass where the data is, not the data."],
      not_found: ["See whether a lifecycle rule of the store removes objects too early."],
      access_denied: [
        "Mend the credentials, or the policy of the bucket. A store that hides what is missing says this, too.",
      ],
      unavailable: ["See whether the store can be reached from the carrier."],
    },
  },
  {
    title: "The client",
    who: "`code` of a `ClientError`; `retryable`, `mayHaveActed` and `retryAfterMs` stand beside it. How an activity ended is an `ActivityOutcomeError`, which has none.",
    file: "client/src/errors/client-error.ts",
    name: "ClientErrorCode",
    codes: {
      unreachable: [YES, "See whether the engine runs, and whether `serverUrl` is right."],
      start_unknown: ["with the same id", "Start it again with the same id, or look for it with the error's `handle`."],
      already_running: [NO, 'Use its `handle`, start with `onRunning: "attach"`, or take another id.'],
      id_taken: [NO, "Take another id."],
      invalid: [NO, "Mend what the message names."],
      unsupported_version: [
        NO,
        "Take an engine and a client of versions that fit: [protocol versions](../understand/protocol-versions.md).",
      ],
      unauthorized: [NO, "Give the client a token that the engine knows."],
      forbidden: [NO, "Use an operator's token: a worker's may not start or stop activities."],
      rate_limited: [YES, "Wait for `retryAfterMs`."],
      queue_draining: [YES, "`dw-carrier resume QUEUE`, or start it on another queue."],
      storage_refused: [YES, "See whether the engine's disk is full; `dw-carrier doctor` says more."],
      server_error: [YES, "Look into the engine's log. Where `mayHaveActed` is true, use the same id."],
      not_an_engine: [NO, "Give the engine's own address, without `/api`, and no proxy that redirects or signs in."],
      refused: [NO, "Read `reason`: the [engine's reasons](#the-engine)."],
      wait_timeout: [YES, "Wait again with the error's `handle`, or give `timeoutMs` more."],
      run_replaced: [NO, "Ask for the newer run: a handle without a run id does."],
      not_found: [NO, "Look at id and namespace; closed activities are forgotten after the engine's retention."],
      payload_too_large: [NO, "Pass where the data is, not the data."],
      payload_unavailable: [
        "where `retryable` says so",
        "See whether the engine's payload storage can be reached, and whether its retention has removed it.",
      ],
      payload_invalid: [
        NO,
        "Look for what changes answers between here and the engine; the activity itself succeeded.",
      ],
      closed: [NO, "Call it before `close()`."],
    },
  },
  {
    title: "The executor config",
    who: "`code` of a `ConfigError`: of `dw-carrier check`, of the dispatcher's `config_rejected` and `mapping_refused`, and of the engine, which checks its own. A dispatcher that runs keeps the last config that was right.",
    file: "engine-protocol/src/executor-config/errors.ts",
    name: ["NAMED_ERRORS", "ConfigErrorCode"],
    codes: {
      unreadable_config: [
        "once it is mended",
        "Look at `DW_EXTERNAL_EXECUTOR_CONFIG_PATH`, and at the file's permissions.",
      ],
      invalid_json: [NO, "Mend the JSON where the message says."],
      invalid_schema: [
        NO,
        "Mend the field at `path`: the [config reference](../operate/dispatcher.md#the-executor-config).",
      ],
      unsupported_version: [NO, '`"version": 1`.'],
      unknown_overlay: [NO, "Name an overlay that the config has, or none."],
      unknown_carrier: [NO, "Add the carrier, or mend the mapping's `carrier`."],
      unknown_auth_ref: [NO, "Add it to `auth_refs`, or mend the name."],
      unknown_handler: [NO, "Deploy the handler first, or mend its name."],
      duplicate_mapping_name: [NO, "Give each mapping a name of its own."],
      invalid_queue_binding: [NO, "Give it a task queue and a type, and each type one mapping."],
      missing_invocable_auth_ref: [NO, "Give the carrier an `auth_ref`, or an `http` URL on loopback."],
      missing_handler_target: [NO, "Give the mapping a `handler`."],
      unsupported_carrier_capability: [NO, "Take it out of the mapping, or use a carrier that can do it."],
      invalid_carrier_target: [NO, "Mend the carrier's field at `path`."],
      invalid_invocable_carrier_scope: [NO, "Map activities alone to an HTTP carrier."],
      unsupported_carrier_type: [NO, "Use `invocable_http` or `process`."],
      unsupported_auth_ref: [
        NO,
        "Use a kind that the dispatcher has, with its fields: [credentials](../operate/dispatcher.md#the-executor-config).",
      ],
    },
  },
  {
    title: "The local engine, in its own process",
    who: "`code` of a `LocalEngineError`, as `createLocalEngine`, `listen` and `backup` throw it.",
    file: "local-engine/src/errors.ts",
    name: "LocalEngineErrorCode",
    codes: {
      file_in_use: ["once the other is closed", "One engine for a file: stop the other, or name another file."],
      file_unusable: [
        "once it is mended",
        "Make the folder, and let the process write it; or name a file that is SQLite's.",
      ],
      disk_full: ["once there is room", "Make room, then open it again: nothing that was acknowledged is lost."],
      file_exists: [NO, "Name a file for the backup that is not there."],
      file_corrupt: [NO, "Restore the last backup."],
      newer_schema: [NO, "Use the version that wrote it, or a newer one."],
      no_sqlite: [NO, "Use Node 22.13 or newer, or install optional dependencies."],
      address_refused: [NO, "Give it tokens (`auth`), or listen on loopback."],
      closed: [NO, "Make a new engine."],
    },
  },
  {
    title: "The dispatcher's health server",
    who: "`error` of an answer of `/livez`, `/readyz` and `/metrics`. What keeps a dispatcher from leasing stands in the document of `/readyz`.",
    file: "dispatcher/src/service/health-server.ts",
    given: /\berror: "(\w+)"/g,
    codes: {
      host_not_allowed: [NO, "Name the host in `allowedHosts`, or ask by the address that it listens on."],
      method_not_allowed: [NO, "GET or HEAD."],
      not_found: [NO, "`/livez`, `/readyz`, or `/metrics` where it was made with metrics."],
      metrics_failed: [YES, "Look for a metric of your own in that registry whose `collect` fails."],
    },
  },
  {
    title: "The inspector",
    who: "`error.code` of its API, which the page shows.",
    file: "inspector/src/api/common.ts",
    name: "ERROR_CODES",
    codes: {
      bad_request: [NO, "Mend the parameter that `field` names."],
      forbidden: [
        NO,
        "Call it by the address that it printed; actions need the page's own header, and are off where it is read-only.",
      ],
      not_found: [NO, "Look at id and run; closed ones are forgotten after the engine's retention."],
      method_not_allowed: [NO, "Use the method that `Allow` names."],
      unsupported: [NO, "Ask what the engine can do first: `Capabilities`."],
      refused: ["once the activity stands otherwise", "Look at it again: it has ended, or runs already."],
      too_large: [NO, "Send less."],
      unauthorized: ["once the token is right", "Start `dw-carrier ui` with an operator's token (`--token-env`)."],
      engine_error: [YES, "Look into the engine's log."],
      engine_unreachable: [YES, "See whether the engine runs: the page goes on by itself once it does."],
      too_many_readers: [YES, "Close other tabs, or ask again after `retryAfterSeconds`."],
      internal: [NO, "A mistake of ours: please report it."],
    },
  },
];

/** The `reason`s of an engine after which something else than a new request helps. The sentences of the rest say it. */
const AGAIN = {
  stale_worker_registration: "after registering",
  worker_not_registered: "after registering",
  worker_registration_superseded: "after registering",
};

/** `failure.type` of what this project says itself, and who. Handlers name theirs themselves. */
export const FAILURE_TYPES = {
  ActivityCancelled: ["carrier, worker, dispatcher", "it was cancelled, and the handler stopped", NO, "Nothing."],
  ArgumentValidationFailure: [
    "carrier",
    "a definition's schemas do not accept the arguments",
    NO,
    "Mend the caller: `details.issues` names the fields.",
  ],
  AttemptClosed: [
    "carrier, worker",
    "a heartbeat said that the engine waits for this attempt no more",
    YES,
    "Nothing; if often, heartbeat sooner or give it more time.",
  ],
  CallerDisconnected: [
    "carrier",
    "who sent the task went away",
    YES,
    "Nothing; if often, look for a proxy that closes idle connections.",
  ],
  CarrierOverloaded: [
    "carrier",
    "no room in memory for the arguments",
    YES,
    "More carriers, or a higher `maxArgumentValues`.",
  ],
  CarrierShutdown: [
    "carrier, worker",
    "the process was stopped while it ran",
    YES,
    "Nothing; give it a longer grace period.",
  ],
  CarrierTimeout: [
    "dispatcher",
    "no answer in the time that the task or its carrier has",
    YES,
    "Look into the carrier's log; mind timeouts of platforms and balancers.",
  ],
  CarrierUnreachable: [
    "dispatcher",
    "no connection, at no try",
    YES,
    "See whether the carrier runs, and its URL: `dw-carrier doctor`.",
  ],
  DeliveryRefused: [
    "dispatcher",
    "not delivered: no mapping, one that is refused, or an address that is not allowed (the message has which)",
    YES,
    "Mend the executor config: `dw-carrier check`.",
  ],
  ExternalPayloadIntegrityError: [
    "carrier",
    "stored bytes are not those that the reference speaks of",
    NO,
    "Find who overwrites them.",
  ],
  ExternalPayloadNotFound: [
    "carrier, dispatcher",
    "the store, or the engine, has no such payload",
    "from a store of yours",
    "See what removes it: a lifecycle rule, or retention.",
  ],
  ExternalPayloadUnsupported: [
    "dispatcher",
    "the engine's large payloads cannot be used here",
    NO,
    "`dw-carrier doctor` says what does not fit.",
  ],
  ExternalStorageAccessDenied: ["carrier", "the store refuses the credentials", YES, "Mend credentials or policy."],
  ExternalStorageUnavailable: [
    "carrier",
    "the store cannot be reached, or failed",
    YES,
    "See whether it can be reached from the carrier.",
  ],
  ExternalTaskDeadlineExceeded: [
    "carrier, worker",
    "a deadline passed before it could start, or before it was done: `details.deadline` names it",
    YES,
    "Give it more time, or let it do less. On a carrier's clock that is wrong: set it.",
  ],
  HandlerCrash: [
    "dispatcher, `dev`, `serve`",
    "the process that ran it ended, or something in it was left to reject",
    YES,
    "Look into its log: memory, `process.exit`, a promise that nobody awaits.",
  ],
  IdempotencyInProgress: [
    "carrier",
    "another run with this key was not done in time",
    YES,
    "Nothing; if often, give it a longer deadline.",
  ],
  IdempotencyKeyReused: [
    "carrier",
    "the key stands for other work",
    NO,
    "Make keys of all that makes the work what it is.",
  ],
  IdempotencyStoreUnavailable: [
    "carrier",
    "the store of keys cannot be reached; the handler was not run",
    YES,
    "See whether the store can be reached.",
  ],
  InvocableCarrierAuthUnavailable: [
    "dispatcher",
    "the carrier's credential cannot be had",
    YES,
    "Set the variable, file or profile that its `auth_ref` names.",
  ],
  LeaseExpired: [
    "local engine",
    "the lease ran out too often: something ends or blocks the process that runs it",
    YES,
    "[Runbook](../operate/runbook.md): memory is the usual reason.",
  ],
  MalformedOutput: [
    "dispatcher",
    "the answer is no result for this task; the message has its status and beginning",
    "by its status",
    "`dw-carrier invoke URL TYPE` shows what the carrier answers.",
  ],
  PayloadDecodeFailure: [
    "carrier",
    "the arguments do not decode: `details.code`",
    NO,
    "As [payloads](#payloads) says.",
  ],
  ReportRejected: [
    "dispatcher",
    "the engine does not accept the result or failure itself",
    "as the failure had it",
    "The message has the engine's word; large results go [by reference](../write/large-payloads.md).",
  ],
  ResultEncodeFailure: [
    "carrier",
    "what the handler returned is no payload value: `details.code`",
    NO,
    "As [payloads](#payloads) says.",
  ],
  ResultTooLarge: [
    "carrier",
    "the platform cannot carry an answer of that size",
    NO,
    "Return less, or by [reference](../write/large-payloads.md).",
  ],
  ResultValidationFailure: [
    "carrier",
    "a definition's schema does not accept what the handler returned",
    NO,
    "Mend the handler: `details.issues` names the fields.",
  ],
  TemporaryFailure: [
    "dispatcher",
    "a process carrier ended with 75 (`EX_TEMPFAIL`)",
    YES,
    "Look at what the process says.",
  ],
  TimeoutError: ["carrier", "the caller's `AbortSignal.timeout()` is over", YES, "Give it more time."],
  TooManyArguments: ["carrier", "more arguments than a call takes", NO, "Send a list as one argument."],
  UnknownActivityHandler: [
    "carrier, worker",
    "no handler of that type; the message has those that are there",
    NO,
    "Deploy it, or mend the mapping: `dw-carrier doctor`.",
  ],
  UnreadableDeadline: ["carrier", "a deadline of the envelope is no timestamp", NO, "Mend the caller."],
  UnreadableTask: [
    "dispatcher, worker",
    "what the engine leased cannot be read",
    NO,
    "`dw-carrier inspect FILE` on the poll's answer; an engine of another version?",
  ],
  UnsupportedExternalTaskKind: ["carrier", "it is a workflow task", NO, "Map activities alone to carriers."],
  UnsupportedPayloadCodec: [
    "carrier",
    "the arguments have a codec other than `avro`",
    NO,
    "Let the caller send `avro`.",
  ],
  UnsupportedPayloadReference: [
    "carrier",
    "the arguments are kept elsewhere, and the carrier has no way to read them: `details.reason`",
    NO,
    "Give it `externalStorage` or `runtimePayloads`.",
  ],
  WorkerSessionUnsupported: [
    "dispatcher",
    "the task belongs to a worker session",
    YES,
    "Run such activities in a polling worker of another SDK.",
  ],
};

const EXIT_CODES = {
  failed: ["1", "what was run or checked failed", "by what failed", "Read the message."],
  usage: ["2", "the command line makes no sense, or asks for what cannot be", NO, "`dw-carrier COMMAND --help`."],
  unreachable: ["69", "a server, engine or carrier cannot be reached, or fails", YES, "`dw-carrier doctor`."],
  config: [
    "78",
    "a config, module, file or token is not what it should be",
    NO,
    "Mend what the message names; `dw-carrier check` for a config.",
  ],
  internal: ["1", "a mistake of ours", NO, "Please report it."],
};

/** What a code means, and what to do about it, in one cell: tables stay as narrow as a page. */
function told(what, todo) {
  const meaning = /[.!?]$/.test(what) || what === "" ? what : `${what}.`;
  const sentence = meaning === "" ? "" : `${meaning[0].toUpperCase()}${meaning.slice(1)}`;
  return [sentence, todo === "Nothing." ? "" : `_${todo}_`].filter((part) => part !== "").join(" ");
}

/** @throws for a code without an entry, and for an entry without a code */
async function sectionOf({ title, who, file, name, given, again, codes }) {
  const source = read(file);
  const declared =
    given === undefined
      ? [name].flat().flatMap((each) => declaredCodes(source, each))
      : [...source.matchAll(given)].map(([, code]) => ({ code, comment: "" }));
  same(
    title,
    declared.map(({ code }) => code),
    Object.keys(codes),
  );
  const hasStatus = declared.some(({ status }) => status !== undefined);
  const rows = [];
  for (const one of declared) {
    const entry = codes[one.code];
    const [retried, todo] = again === undefined ? entry : [(await again(one)) ? YES : NO, ...entry];
    const cells = [`\`${one.code}\``, retried, told(one.comment, todo)];
    rows.push(hasStatus ? [one.status, ...cells] : cells);
  }
  const head = ["code", "again?", WHAT];
  return section(title, who, [hasStatus ? ["status", ...head] : head, ...rows]);
}

function same(title, declared, written) {
  const missing = declared.filter((code) => !written.includes(code));
  const stale = written.filter((code) => !declared.includes(code));
  if (declared.length === 0 || missing.length > 0 || stale.length > 0)
    throw new Error(
      `${title}: scripts/error-codes.mjs has no ${missing.join(", ")}; nothing declares ${stale.join(", ")}`,
    );
}

function section(title, intro, rows) {
  return `## ${title}\n\n${intro}\n\n${table(rows)}\n`;
}

async function engineSection() {
  const { REASONS } = await built("engine-protocol/dist/reasons.js");
  const { PAYLOAD_REFUSALS } = await built("engine-protocol/dist/external-payloads/errors.js");
  const rows = Object.entries(REASONS).map(([reason, sentence]) => {
    const again =
      PAYLOAD_REFUSALS[reason]?.retryable ??
      /may succeed later|again after|the same (?:request|bytes) again|storage_pressure/.test(sentence);
    return [`\`${reason}\``, AGAIN[reason] ?? (again ? YES : NO), sentence];
  });
  return section(
    "The engine",
    "`reason` of an answer, or of a stop that a heartbeat brings. Dispatcher, worker and client do what can be done about it by themselves.",
    [["reason", "again?", "what, and what to do"], ...rows],
  );
}

async function commandSection() {
  const { EXIT } = await built("cli/dist/shell/command.js");
  const own = Object.entries(EXIT).filter(([name]) => name !== "ok");
  for (const [name, status] of own)
    if (EXIT_CODES[name]?.[0] !== String(status)) throw new Error(`scripts/error-codes.mjs: ${name} is ${status}`);
  const rows = Object.entries(EXIT_CODES).map(([code, [status, what, again, todo]]) => [
    status,
    `\`${code}\``,
    again,
    told(what, todo),
  ]);
  return section("The command", "The exit code, and `error.code` of `--json`.", [
    ["exit code", "code", "again?", WHAT],
    ...rows,
  ]);
}

async function sections(parts) {
  const made = [];
  for (const part of parts) made.push(await sectionOf(part));
  return made;
}

export async function errorCodesPage() {
  const types = Object.entries(FAILURE_TYPES).map(([type, [who, what, again, todo]]) => [
    `\`${type}\``,
    who,
    again,
    told(what, todo),
  ]);
  const parts = [
    section(
      "Failures of activities",
      '`type` of a recorded failure, where not the handler, but this project says it. "Again" is `retryable`: whether the activity\'s retry policy may run it again. What an engine refuses of large payloads is a type by its reason, `external_payload_expired` as `ExternalPayloadExpired`: [the engine](#the-engine).',
      [["type", "who says it", "again?", WHAT], ...types],
    ),
    ...(await sections(PARTS.slice(0, 4))),
    await commandSection(),
    await engineSection(),
    ...(await sections(PARTS.slice(4))),
  ];
  return `# Error codes

Every word by which programs can tell what went wrong: who says it, whether trying again helps, and what to do. Sentences beside
them are for people, and may change; these words do not, other than as [versioning](../../VERSIONING.md) says. Readers have to
take words that they do not know.

${parts.join("\n")}`;
}

/** Where each vocabulary is declared: a test looks whether there are others. */
export const VOCABULARIES = [
  ...PARTS.filter(({ name }) => name !== undefined).flatMap(({ file, name }) =>
    [name].flat().map((each) => ({ file, name: each })),
  ),
  { file: "engine-protocol/src/reasons.ts", name: "REASONS" },
  { file: "cli/src/shell/command.ts", name: "EXIT" },
];
