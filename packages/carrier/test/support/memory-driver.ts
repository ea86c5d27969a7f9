import type { ExternalStorageDriver, GetOptions, PutOptions } from "../../src/storage/driver.js";
import { ExternalStorageError } from "../../src/storage/errors.js";

/** A driver as a user would write one, over a Map; and what it was asked. */
export class MemoryDriver implements ExternalStorageDriver {
  readonly objects = new Map<string, Uint8Array>();
  readonly gets: (GetOptions & { readonly uri: string })[] = [];
  /** Runs before anything is done. */
  before: (signal: AbortSignal | undefined) => Promise<void> = async () => {};

  readonly scheme: string;
  private readonly base: string;

  constructor(base = "memory://box/") {
    this.base = base;
    this.scheme = base.slice(0, base.indexOf(":"));
  }

  accepts(uri: string): boolean {
    return uri.startsWith(this.base);
  }

  async put(data: Uint8Array, { sha256, codec, signal }: PutOptions): Promise<string> {
    await this.before(signal);
    const uri = `${this.base}${codec}/${sha256}`;
    this.objects.set(uri, data.slice());
    return uri;
  }

  async get(uri: string, options: GetOptions): Promise<Uint8Array> {
    this.gets.push({ uri, ...options });
    await this.before(options.signal);
    const data = this.objects.get(uri);
    if (data === undefined) throw new ExternalStorageError("not_found", "There is no such object.");
    return data;
  }

  async delete(uri: string): Promise<void> {
    await this.before(undefined);
    this.objects.delete(uri);
  }
}
