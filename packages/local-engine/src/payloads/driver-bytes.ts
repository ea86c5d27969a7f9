import type { ExternalStorageDriver } from "@durable-workflow/carrier/storage";
import {
  codeOf,
  type KeptBytes,
  type OpenBytes,
  type PayloadBytes,
  PayloadBytesError,
  type PayloadSink,
} from "./bytes.js";
import { bufferFor, openBuffer } from "./memory-bytes.js";
import { Permits } from "./permits.js";

/** Drivers take and give payloads whole: so many bytes of them are in memory at the same time, on their way in and out. */
const MOST_IN_MEMORY = 134_217_728;
/** A driver that does not answer for so long is given up. */
const LONGEST_CALL_MS = 60_000;

/** Payloads in a storage driver. The engine alone knows their addresses. */
export class DriverBytes implements PayloadBytes {
  private readonly driver: ExternalStorageDriver;
  private readonly inMemory = new Permits(MOST_IN_MEMORY);

  constructor(driver: ExternalStorageDriver) {
    this.driver = driver;
  }

  /** A driver that names objects only once they are stored leaves one behind at a kill in between. */
  placeFor({ sha256, codec }: KeptBytes): string | undefined {
    return this.driver.uriFor?.({ sha256, codec });
  }

  owns(location: string): boolean {
    if (!location.toLowerCase().startsWith(`${this.driver.scheme}:`)) return false;
    return this.driver.accepts === undefined || this.driver.accepts(location);
  }

  async begin(sizeBytes: number, signal: AbortSignal): Promise<PayloadSink> {
    const release = await this.inMemory.acquire(sizeBytes, signal);
    const { bytes, write } = bufferFor(sizeBytes);
    return {
      write,
      keep: async ({ sha256, codec }) => {
        try {
          return await this.driver.put(bytes, { sha256, codec, signal: AbortSignal.timeout(LONGEST_CALL_MS) });
        } catch (error) {
          throw described(error);
        } finally {
          release();
        }
      },
      discard() {
        release();
        return Promise.resolve();
      },
    };
  }

  async open(location: string, { sizeBytes }: KeptBytes): Promise<OpenBytes> {
    const release = await this.inMemory.acquire(sizeBytes, AbortSignal.timeout(LONGEST_CALL_MS));
    try {
      const signal = AbortSignal.timeout(LONGEST_CALL_MS);
      const bytes = await this.driver.get(location, { sizeBytes, signal });
      if (bytes.length !== sizeBytes) throw new PayloadBytesError("damaged", undefined);
      return {
        ...openBuffer(bytes),
        close() {
          release();
          return Promise.resolve();
        },
      };
    } catch (error) {
      release();
      throw described(error);
    }
  }

  /** Asking would cost as much as storing does: what was stored is taken to be there. */
  has(): Promise<boolean> {
    return Promise.resolve(true);
  }

  async remove(location: string): Promise<void> {
    try {
      await this.driver.delete(location, { signal: AbortSignal.timeout(LONGEST_CALL_MS) });
    } catch (error) {
      throw described(error);
    }
  }
}

/** By the codes of the carrier's drivers; whatever else goes wrong may go well later. */
function described(error: unknown): PayloadBytesError {
  if (error instanceof PayloadBytesError) return error;
  if (codeOf(error) === "not_found") return new PayloadBytesError("missing", error);
  const isDamaged = (error as { readonly name?: unknown } | null)?.name === "ExternalPayloadIntegrityError";
  return new PayloadBytesError(isDamaged ? "damaged" : "unavailable", error);
}
