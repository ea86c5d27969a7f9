import { setTimeout as sleep } from "node:timers/promises";
import { defineActivity, NonRetryableError } from "@durable-workflow/carrier";
import { PaymentGateway } from "./gateway.js";

export interface ChargeRequest {
  /** The same for every delivery and attempt of one charge: the gateway then charges once. */
  readonly idempotencyKey: string;
  readonly card: string;
  readonly cents: number;
  readonly currency: string;
}

/** Trying the same card again will not help: the engine must not retry. */
export class CardDeclined extends NonRetryableError {
  override name = "CardDeclined";

  constructor(card: string) {
    super(`The card ${card} was declined.`, { details: { card, reason: "insufficient_funds" } });
  }
}

const DECLINED_CARD = "card_declined";
const MONTHS = 12;
const MONTH_MS = 2_000;

/** The activities of the billing carrier, by the type that workflows schedule them under. */
export function billingActivities(gateway: PaymentGateway) {
  return {
    /** Charges a card. The gateway's outages are thrown as they come: the engine retries them. */
    "billing.charge-card": ({ idempotencyKey, card, cents, currency }: ChargeRequest) => {
      if (card === DECLINED_CARD) throw new CardDeclined(card);
      return gateway.charge(idempotencyKey, card, cents, currency);
    },

    /** More than fits into a message: with a storage driver, it travels by reference. */
    "billing.statement": (year: number, lines: number) =>
      Array.from({ length: lines }, (_, line) => ({ line, date: `${year}-12-31`, cents: line * 100, currency: "EUR" })),

    /** Takes a while, says how far it is, and stops when nobody wants it any more. */
    "billing.export-ledger": defineActivity({
      run: async (context, year: number) => {
        for (let month = 1; month <= MONTHS; month++) {
          context.heartbeat({ current: month - 1, total: MONTHS, unit: "months" });
          await sleep(MONTH_MS, undefined, { signal: context.signal });
        }
        return { year, months: MONTHS };
      },
    }),
  };
}

export default billingActivities(new PaymentGateway());
