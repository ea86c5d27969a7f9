export interface AdmissionLimits {
  readonly tasks: number;
  readonly bodyBytes: number;
}

/** Counts what an endpoint has at once: tasks, and the bytes of their bodies, from the first that is read to the answer. */
export class Admission {
  private readonly limits: AdmissionLimits;
  private tasks = 0;
  private bodyBytes = 0;

  constructor(limits: AdmissionLimits) {
    this.limits = limits;
  }

  /** Takes one more task in; undefined when there are too many. */
  enter(): AdmittedRequest | undefined {
    if (this.tasks >= this.limits.tasks) return undefined;
    this.tasks++;
    let taken = 0;
    let left = false;
    const take = (bytes: number): boolean => {
      if (left || this.bodyBytes + bytes > this.limits.bodyBytes) return false;
      taken += bytes;
      this.bodyBytes += bytes;
      return true;
    };
    return {
      hasRoomFor: (bytes) => this.bodyBytes + bytes <= this.limits.bodyBytes,
      take,
      takeUpTo: (bytes) => bytes <= taken || take(bytes - taken),
      leave: () => {
        if (left) return;
        left = true;
        this.tasks--;
        this.bodyBytes -= taken;
      },
    };
  }
}

/** One request's part of what an endpoint has at once. */
export interface AdmittedRequest {
  hasRoomFor(bytes: number): boolean;
  /** Counts so many more bytes of the body. False when there is no room for them; they are not counted then. */
  take(bytes: number): boolean;
  /** Counts what is missing up to the whole. */
  takeUpTo(bytes: number): boolean;
  /** Gives everything back. */
  leave(): void;
}
