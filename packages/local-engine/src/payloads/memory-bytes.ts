import { randomBytes } from "node:crypto";
import { type KeptBytes, type OpenBytes, type PayloadBytes, PayloadBytesError, type PayloadSink } from "./bytes.js";
import { Permits } from "./permits.js";

/** Bytes of payloads that are on their way in at the same time. */
const MOST_ARRIVING = 134_217_728;

/** Payloads of an engine that is in memory itself. What bounds them is the quota of namespaces. */
export class MemoryBytes implements PayloadBytes {
  private readonly kept = new Map<string, Buffer>();
  private readonly arriving = new Permits(MOST_ARRIVING);

  owns(location: string): boolean {
    return /^[0-9a-f]{2}\/[0-9a-f]{30}$/.test(location);
  }

  async begin(sizeBytes: number, signal: AbortSignal): Promise<PayloadSink> {
    const release = await this.arriving.acquire(sizeBytes, signal);
    const { bytes, write } = bufferFor(sizeBytes);
    return {
      write,
      keep: () => {
        release();
        const name = randomBytes(16).toString("hex");
        const location = `${name.slice(0, 2)}/${name.slice(2)}`;
        this.kept.set(location, bytes);
        return Promise.resolve(location);
      },
      discard() {
        release();
        return Promise.resolve();
      },
    };
  }

  open(location: string, { sizeBytes }: KeptBytes): Promise<OpenBytes> {
    const bytes = this.kept.get(location);
    if (bytes?.length !== sizeBytes) return Promise.reject(new PayloadBytesError("missing", undefined));
    return Promise.resolve(openBuffer(bytes));
  }

  has(location: string): Promise<boolean> {
    return Promise.resolve(this.kept.has(location));
  }

  remove(location: string): Promise<void> {
    this.kept.delete(location);
    return Promise.resolve();
  }
}

/** What a payload of that size is written to, from its beginning on. */
export function bufferFor(sizeBytes: number): { readonly bytes: Buffer; readonly write: PayloadSink["write"] } {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  let at = 0;
  return {
    bytes,
    write(chunk) {
      bytes.set(chunk, at);
      at += chunk.length;
      return undefined;
    },
  };
}

export function openBuffer(bytes: Uint8Array): OpenBytes {
  return {
    async *read() {
      // In pieces: between two of them others have their turn.
      for (let at = 0; at < bytes.length; at += 262_144) yield await Promise.resolve(bytes.subarray(at, at + 262_144));
    },
    close: () => Promise.resolve(),
  };
}
