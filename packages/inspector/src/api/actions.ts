import type { ActivityOptions } from "./activity.js";
import type { ErrorCode, Instant } from "./common.js";

/**
 * What can be done. With `dryRun` nothing is: the outcome tells the command that would do the same, and whether this could be
 * done as it stands.
 */
export type ActionRequest = { readonly dryRun?: boolean } & (
  | { readonly action: "cancel"; readonly id: string; readonly runId?: string; readonly reason?: string }
  | { readonly action: "terminate"; readonly id: string; readonly runId?: string; readonly reason?: string }
  /** The same type, queue, options and arguments, byte for byte, under a new id; `input` in their place where given. */
  | {
      readonly action: "start_again";
      readonly id: string;
      readonly runId?: string;
      readonly newId?: string;
      /** Arguments as JSON text, as `Payload.json`: a list has one argument each. */
      readonly input?: string;
      readonly queue?: string;
    }
  | {
      readonly action: "start";
      readonly type: string;
      readonly queue: string;
      readonly id?: string;
      readonly businessKey?: string;
      /** As above; absent or empty: no arguments. */
      readonly input?: string;
      readonly options?: Partial<ActivityOptions>;
    }
  | { readonly action: "drain_queue"; readonly queue: string }
  | { readonly action: "resume_queue"; readonly queue: string }
);

export type ActionName = ActionRequest["action"];

export interface ActionOutcome {
  readonly action: ActionName;
  /** Whether it was done; false for a dry run, and where `error` says why not. */
  readonly done: boolean;
  /** What came of it, as a sentence. */
  readonly text: string;
  /** The line of `dw-carrier` that does the same, quoted for a shell; never with a token. */
  readonly command: string;
  readonly at: Instant;
  /** Of a start: what was started. */
  readonly started: { readonly id: string; readonly runId: string } | null;
  /** A refusal by the engine is an outcome with 200: the request itself was right. */
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint: string | null } | null;
}
