/** A payment gateway that lives in memory. A real one would be somebody else's HTTP API. */
export interface Charge {
  readonly chargeId: string;
  readonly card: string;
  readonly cents: number;
  readonly currency: string;
}

export class GatewayUnavailable extends Error {
  override readonly name = "GatewayUnavailable";
}

/** A card whose first calls for each key meet an overloaded gateway. */
export const FLAKY_CARD = "card_flaky";
const FLAKY_CALLS = 2;

export class PaymentGateway {
  private readonly charges = new Map<string, Charge>();
  private readonly calls = new Map<string, number>();

  /** Charges once for each key: a key seen before gets the charge made then. */
  charge(key: string, card: string, cents: number, currency: string): Charge {
    const call = (this.calls.get(key) ?? 0) + 1;
    this.calls.set(key, call);
    if (card === FLAKY_CARD && call <= FLAKY_CALLS) {
      throw new GatewayUnavailable("503 Service Unavailable from the payment gateway");
    }
    const made = this.charges.get(key);
    if (made !== undefined) return made;
    const charge = { chargeId: `ch_${this.charges.size + 1}`, card, cents, currency };
    this.charges.set(key, charge);
    return charge;
  }

  get chargeCount(): number {
    return this.charges.size;
  }
}
