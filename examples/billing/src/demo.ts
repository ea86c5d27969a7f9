import type { BillingCarrier } from "./carrier.js";
import { type Delivery, type DemoTask, deliver, taskEnvelope } from "./dispatch.js";
import { describeDelivery, type Palette } from "./report.js";

const CHARGE = { idempotencyKey: "invoice-2026-0042", card: "card_visa", cents: 12_900, currency: "EUR" };

interface Step extends DemoTask {
  readonly title: string;
  /** Calls to the gateway that fail first. */
  readonly outages?: number;
}

const STEPS: readonly Step[] = [
  { title: "1. A card is charged", id: "task-1", activity: "billing.charge-card", args: [CHARGE] },
  {
    title: "2. The same task again, as after a lost answer: the idempotency key keeps it at one charge",
    id: "task-1",
    activity: "billing.charge-card",
    args: [CHARGE],
  },
  {
    title: "3. A declined card: a failure that no retry will mend",
    id: "task-2",
    activity: "billing.charge-card",
    args: [{ ...CHARGE, idempotencyKey: "invoice-2026-0043", card: "card_declined" }],
  },
  {
    title: "4. A flaky gateway: the first attempt fails and may be retried",
    id: "task-3",
    activity: "billing.charge-card",
    args: [{ ...CHARGE, idempotencyKey: "invoice-2026-0044" }],
    outages: 1,
  },
  {
    title: "5. The engine retries it, as a task of its own",
    id: "task-4",
    activity: "billing.charge-card",
    args: [{ ...CHARGE, idempotencyKey: "invoice-2026-0044" }],
    attempt: 2,
  },
  {
    title: "6. A slow export: its deadline answers for it",
    id: "task-5",
    activity: "billing.export-ledger",
    args: [2026],
    startToCloseMs: 1_000,
  },
];

const STATEMENT: Step = {
  title: "7. A large statement: it goes to storage, and the answer refers to it",
  id: "task-6",
  activity: "billing.statement",
  args: [2026, 10_000],
};

/** Sends the carrier one task after the other and prints what came of each. */
export async function runDemo(
  carrier: BillingCarrier,
  colours: Palette,
  print: (text: string) => void,
): Promise<readonly Delivery[]> {
  const deliveries: Delivery[] = [];
  for (const { title, outages = 0, ...task } of carrier.stores ? [...STEPS, STATEMENT] : STEPS) {
    carrier.gateway.failNext(outages);
    const delivery = await deliver(carrier.url, taskEnvelope(task));
    print(describeDelivery(title, delivery, colours));
    deliveries.push(delivery);
  }
  print(`${carrier.gateway.chargeCount} charges were made for ${deliveries.length} deliveries.\n`);
  return deliveries;
}
