/** What both ways run. */
export const activities = {
  /** @type {(card: string, cents: number, currency: string) => object} */
  "billing.charge-card": (card, cents, currency) => ({ chargeId: `ch_${card}`, cents, currency }),
};
