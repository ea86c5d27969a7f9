import { until as untilItHolds } from "@durable-workflow/test-support/patience";

/** The first answer that is not undefined, asked for again and again. */
export async function until<T>(ask: () => Promise<T | undefined>, what: string): Promise<T> {
  let answer: T | undefined;
  const isThere = async (): Promise<boolean> => (answer = await ask()) !== undefined;
  await untilItHolds(isThere, what, 50);
  return answer as T;
}
