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

export class PaymentGateway {
  private readonly charges = new Map<string, Charge>();
  private outages = 0;

  /** The next `count` calls fail as an overloaded gateway does. */
  failNext(count: number): void {
    this.outages = count;
  }

  /** Charges once for each key: a key seen before gets the charge made then. */
  charge(key: string, card: string, cents: number, currency: string): Charge {
    if (this.outages > 0) {
      this.outages--;
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
