// A handler that never settles, with idempotency: once its task was answered nothing keeps this process.
import { idempotent, MemoryIdempotencyStore } from "../../dist/activity/idempotency/index.js";
import { InvocableActivityHandler } from "../../dist/index.js";
import { buildTaskInput } from "../../dist/testing/index.js";

const idempotency = idempotent({ store: new MemoryIdempotencyStore(), leaseMs: 60_000 });
const handler = new InvocableActivityHandler({ never: () => new Promise(() => {}) }, { idempotency });
const result = await handler.handle(buildTaskInput({ activityType: "never", startToCloseMs: 200 }));
process.stdout.write(result.failure.classification);
