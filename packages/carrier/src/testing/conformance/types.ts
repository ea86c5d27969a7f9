import type { AvroValue } from "../../payload/value.js";
import type { FailureClassification, FailureKind, TimeoutType } from "../../protocol/constants.js";

/** One thing that the contract demands of a carrier, and how to see whether it holds. */
export interface ConformanceCase {
  /** Unique and stable, as in `deadlines/start-to-close-past-on-receipt`. */
  readonly id: string;
  /** `required`: the contract says so. `recommended`: the contract leaves it open, or it is an addition to it. */
  readonly requirement: "required" | "recommended";
  /** What the contract says, in a sentence. */
  readonly contract: string;
  /** What to send, made when it is sent: deadlines are relative to that instant. */
  readonly request: (context: ConformanceContext) => ConformanceRequest;
  /** Holds for every delivery of the request. */
  readonly expect: ConformanceExpectation;
  /** How often the same request is sent. Default once. */
  readonly deliveries?: number;
  /** How long the answer takes by design, in milliseconds. Default: it comes at once. */
  readonly takesMs?: number;
  /** Whether it may be the end of a careless carrier. Such cases come last: the others are then answered already. */
  readonly hostile?: true;
}

/** What a conformance case may ask of the run it is in. */
export interface ConformanceContext {
  /** Milliseconds since the epoch, by the sender's clock. */
  readonly now: number;
  /** The bearer token that the carrier takes; undefined where it wants none. */
  readonly token?: string | undefined;
}

/** One HTTP request. */
export interface ConformanceRequest {
  /** Default POST. */
  readonly method?: string;
  /** Whether the sender leaves its own `authorization` away. Default: it sends its token, where it has one. */
  readonly anonymous?: true;
  /** In addition to the content type, or in place of it. By lower-case name. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The envelope; it is sent as JSON. */
  readonly document?: unknown;
  /** What is sent in place of a document. */
  readonly body?: string | Uint8Array;
}

/** What a carrier has to answer in a conformance case. */
export type ConformanceExpectation = ExpectedSuccess | ExpectedFailure | ExpectedRefusal;

/** 200 with a success envelope. */
export interface ExpectedSuccess {
  readonly outcome: "success";
  /** What the payload decodes to. Kinds are told apart: 7 is a long, `avroDouble(7)` a double. */
  readonly value: AvroValue;
}

/** 200 with a failure envelope. */
export interface ExpectedFailure {
  readonly outcome: "failure";
  readonly kind: FailureKind;
  readonly classification: FailureClassification;
  readonly retryable: boolean;
  /** Default: any, and none. */
  readonly type?: string;
  /**
   * Whether a timeout of the language's own is as good: any type then, and details that are null, as such a timeout does
   * not know which deadline it was.
   */
  readonly ownTimeout?: true;
  /** Text within the message. Default: any message, an empty one too. */
  readonly messageIncludes?: string;
  /** Whether the message must say something. Default: it may be empty. */
  readonly messageNotEmpty?: true;
  /** Default null. */
  readonly timeoutType?: TimeoutType;
  /** Default false. */
  readonly cancelled?: boolean;
  /** The details name this field of the envelope and, where the deadline is past, have its `expires_at`. */
  readonly detailsName?: DeadlineField;
  /** Entries of the details, which are then a map in a payload. */
  readonly detailsInclude?: Readonly<Record<string, AvroValue>>;
  /** Whether details that are there must be a payload tagged with its codec. Default: a plain object is read, too. */
  readonly detailsTagged?: true;
  /** Whether there must be a stack trace. Default: either way. */
  readonly stackTrace?: true;
  /** The answer must be there after so many milliseconds. Default: whenever. */
  readonly withinMs?: number;
}

/** No result envelope: the status, and `error` of the JSON body. */
export interface ExpectedRefusal {
  readonly outcome: "refusal";
  readonly status: number;
  /** Default: the body may be anything but a result. */
  readonly error?: string;
  /** Headers that must be there, by lower-case name, and text within their values. */
  readonly headersInclude?: Readonly<Record<string, string>>;
}

/** The name of a deadline, as failures name it. */
export type DeadlineField =
  | "lease.expires_at"
  | "deadlines.schedule_to_start"
  | "deadlines.start_to_close"
  | "deadlines.schedule_to_close"
  | "deadlines.heartbeat";
