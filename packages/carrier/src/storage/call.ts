import { abortable } from "./abortable.js";
import { type StorageOperation, storageError } from "./fault.js";

/**
 * Calls into storage for no longer than the signal allows.
 *
 * @throws (as a rejection) the signal's reason, or one of this library's errors: whatever else was thrown becomes an
 *   `ExternalStorageError`
 */
export async function callStorage<T>(
  operation: StorageOperation,
  signal: AbortSignal | undefined,
  action: () => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  try {
    return await abortable(action(), signal);
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    throw storageError(error, operation);
  }
}
