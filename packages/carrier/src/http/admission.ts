/** What an endpoint may have at once. */
export interface AdmissionLimits {
  readonly maxConcurrentTasks: number;
  readonly maxConcurrentBodyBytes: number;
}

/** One request's part of what an endpoint has at once. */
export interface AdmittedRequest {
  /** Whether there was no room for bytes, once. */
  readonly isFull: boolean;
  /** Counts nothing. */
  readonly hasRoomFor: (bytes: number) => boolean;
  /** Counts so many more bytes of the body. False when there is no room for them; they are not counted then. */
  readonly take: (bytes: number) => boolean;
  /** Counts what is missing up to the whole. */
  readonly takeUpTo: (bytes: number) => boolean;
  /** Gives everything back. */
  readonly leave: () => void;
}

/**
 * Counts what an endpoint has at once: tasks, and the bytes of their bodies, from the first that is read to the answer.
 *
 * @returns takes one more task in; undefined when there are too many
 */
export function createAdmission({
  maxConcurrentTasks,
  maxConcurrentBodyBytes,
}: AdmissionLimits): () => AdmittedRequest | undefined {
  let tasks = 0;
  let all = 0;
  return () => {
    if (tasks >= maxConcurrentTasks) return undefined;
    tasks++;
    let taken = 0;
    let isOpen = true;
    const admitted = {
      isFull: false,
      hasRoomFor(bytes: number) {
        const hasRoom = isOpen && all + bytes <= maxConcurrentBodyBytes;
        admitted.isFull ||= !hasRoom;
        return hasRoom;
      },
      take(bytes: number) {
        if (!admitted.hasRoomFor(bytes)) return false;
        taken += bytes;
        all += bytes;
        return true;
      },
      takeUpTo: (bytes: number) => bytes <= taken || admitted.take(bytes - taken),
      leave() {
        if (!isOpen) return;
        isOpen = false;
        tasks--;
        all -= taken;
      },
    };
    return admitted;
  };
}
