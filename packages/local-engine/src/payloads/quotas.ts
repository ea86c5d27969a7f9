import type { PayloadUsage } from "../store/payloads.js";

export interface PayloadQuota {
  /** Bytes of all payloads of a namespace. */
  readonly bytes: number;
  /** Payloads of a namespace. */
  readonly objects: number;
}

export type Exhausted = "bytes_exhausted" | "objects_exhausted";

/** What namespaces may have, with what is on its way in: uploads that run side by side do not pass the limit together. */
export class Quotas {
  private readonly quota: PayloadQuota;
  private readonly usage: (namespace: string) => PayloadUsage;
  private readonly arriving = new Map<string, { bytes: number; objects: number }>();

  constructor(quota: PayloadQuota, usage: (namespace: string) => PayloadUsage) {
    this.quota = quota;
    this.usage = usage;
  }

  /** Makes room for a payload that is coming. The function returned is to be called once it is written down, or given up. */
  reserve(namespace: string, sizeBytes: number): Exhausted | (() => void) {
    const used = this.usage(namespace);
    const arriving = this.arriving.get(namespace) ?? { bytes: 0, objects: 0 };
    if (used.bytes + arriving.bytes + sizeBytes > this.quota.bytes) return "bytes_exhausted";
    if (used.objects + arriving.objects + 1 > this.quota.objects) return "objects_exhausted";
    arriving.bytes += sizeBytes;
    arriving.objects++;
    this.arriving.set(namespace, arriving);
    return () => {
      arriving.bytes -= sizeBytes;
      arriving.objects--;
      if (arriving.objects === 0 && this.arriving.get(namespace) === arriving) this.arriving.delete(namespace);
    };
  }
}
