import { setTimeout as sleep } from "node:timers/promises";
import { avroDouble, defineActivity, NonRetryableError } from "@durable-workflow/carrier";
import { z } from "zod";

/** What would do harm where text is taken for markup, or steers the text around it. */
export const HOSTILE =
  '<img src=x onerror="globalThis.harmed=1"><script>globalThis.harmed=1</script>\u202egnp.exe\u0007\u001b[31m{{7*7}}${7*7}';

const tries = new Map<string, number>();

/** The activities that the page is watched with. */
export const activities = {
  greet: (name: string) => `Hello, ${name}`,

  /** Fails twice. */
  flaky: (key: string) => {
    const count = (tries.get(key) ?? 0) + 1;
    tries.set(key, count);
    if (count < 3)
      throw new Error(`the gateway is away (${count})`, { cause: new Error("connect ECONNREFUSED 10.0.3.4:443") });
    return { chargeId: `ch_${key}` };
  },

  decline: (card: string) => {
    throw new NonRetryableError(`The card ${card} was declined.`, { details: { card, reason: "insufficient_funds" } });
  },

  /** Says how far it is until nobody wants it any more. */
  export: defineActivity({
    run: async (context, months: number) => {
      for (let month = 1; month <= months; month++) {
        context.heartbeat({ current: month, total: months, unit: "months" });
        await sleep(150, undefined, { signal: context.signal });
      }
      return { months };
    },
  }),

  /** Says what its arguments look like. */
  charge: defineActivity({
    input: [
      z.string().min(1).describe("the card's number"),
      z.object({ cents: z.number().int().min(1), currency: z.enum(["EUR", "USD"]), note: z.string().optional() }),
    ],
    run: (_context, card, { cents, currency }) => `${card} pays ${cents} ${currency}`,
  }),

  typed: (big: bigint, ratio: number, bytes: Uint8Array) => ({
    big,
    next: big + 1n,
    ratio,
    whole: avroDouble(7),
    bytes,
    nothing: null,
    list: Array.from({ length: 250 }, (_, index) => index),
  }),

  hostile: (text: string) => {
    throw new NonRetryableError(text, { details: { [text]: text } });
  },

  /** So many bytes of text. */
  large: (size: number) => "lorem ipsum ".repeat(Math.ceil(size / 12)).slice(0, size),
};
