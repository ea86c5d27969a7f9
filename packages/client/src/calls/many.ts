import type { ActivityLike, Client, ManyOptions, ManyOutcome, StartItem, StartOptions } from "../client-types.js";
import { ClientError, isClientError } from "../errors/client-error.js";

const DEFAULT_CONCURRENCY = 16;

/**
 * Starts items as they are pulled, and yields outcomes as they come.
 *
 * @throws what the items' iterator throws, once everything that was begun has ended; the signal's reason
 */
export async function* startMany<const Activity extends ActivityLike>(
  start: Client["start"],
  activity: Activity,
  items: Iterable<StartItem<Activity>> | AsyncIterable<StartItem<Activity>>,
  options: ManyOptions = {},
): AsyncGenerator<ManyOutcome<Activity>> {
  const { concurrency = DEFAULT_CONCURRENCY, ...shared } = options;
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    throw new TypeError("concurrency must be an integer >= 1");
  }
  const source = iteratorOf(items);
  const running = new Map<number, Promise<ManyOutcome<Activity>>>();
  let isOver = false;
  try {
    for (let index = 0; ; ) {
      while (!isOver && running.size < concurrency) {
        options.signal?.throwIfAborted();
        const next = await source.next();
        if (next.done === true) {
          isOver = true;
          break;
        }
        running.set(index, outcomeOf(start, activity, next.value, index, shared));
        index++;
        // One that has ended already is told before more are taken.
        if (running.size === concurrency) break;
      }
      if (running.size === 0) return;
      const outcome = await Promise.race(running.values());
      running.delete(outcome.index);
      options.signal?.throwIfAborted();
      yield outcome;
    }
  } finally {
    // Whoever stops taking outcomes leaves no start without an owner.
    await Promise.all(running.values());
    if (!isOver) await source.return?.();
  }
}

async function outcomeOf<const Activity extends ActivityLike>(
  start: Client["start"],
  activity: Activity,
  input: StartItem<Activity>,
  index: number,
  shared: StartOptions,
): Promise<ManyOutcome<Activity>> {
  try {
    const { args, options } = Array.isArray(input)
      ? { args: input, options: {} }
      : (input as Exclude<StartItem<Activity>, readonly unknown[]>);
    const handle = await start(activity, args, { ...shared, ...options });
    return { input, index, handle };
  } catch (error) {
    if (isClientError(error)) return { input, index, error };
    const told = `item ${index} cannot be started: ${error instanceof Error ? error.message : String(error)}`;
    return { input, index, error: new ClientError("invalid", told, { cause: error }) };
  }
}

function iteratorOf<T>(items: Iterable<T> | AsyncIterable<T>): Iterator<T> | AsyncIterator<T> {
  if (typeof items === "object" && items !== null) {
    if (Symbol.asyncIterator in items) return items[Symbol.asyncIterator]();
    if (Symbol.iterator in items) return items[Symbol.iterator]();
  }
  throw new TypeError("items must be an iterable, as a list or a generator, of lists of arguments");
}
