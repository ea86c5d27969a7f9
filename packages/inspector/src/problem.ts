import type { ApiError, ErrorCode } from "./api/index.js";

const STATUS: Readonly<Record<ErrorCode, number>> = {
  bad_request: 400,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  unsupported: 409,
  refused: 409,
  too_large: 413,
  unauthorized: 502,
  engine_error: 502,
  engine_unreachable: 503,
  too_many_readers: 503,
  internal: 500,
};

type Details = Partial<Omit<ApiError["error"], "code" | "message">>;

/** What ends a request of the page with an answer that says what is wrong, and what to do. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ErrorCode;
  private readonly details: Details;

  constructor(code: ErrorCode, message: string, details: Details = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return STATUS[this.code];
  }

  get hint(): string | null {
    return this.details.hint ?? null;
  }

  get document(): ApiError {
    const { hint = null, field = null, engine = null, retryAfterSeconds = null } = this.details;
    return { error: { code: this.code, message: this.message, hint, field, engine, retryAfterSeconds } };
  }
}
