import { setTimeout as sleep } from "node:timers/promises";

/** The first answer that is not undefined, asked for again and again. */
export async function until<T>(ask: () => Promise<T | undefined>, what: string): Promise<T> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`${what} did not come about`);
    await sleep(50);
  }
}
