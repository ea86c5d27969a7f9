import type { BodyStream } from "./body.js";
import { readBody } from "./body.js";
import { callStorage } from "./call.js";
import type { DeleteOptions, ExternalStorageDriver, GetOptions, PutOptions } from "./driver.js";
import { ExternalStorageError } from "./errors.js";
import { faultOf } from "./fault.js";
import { isPlainKey, normalizePrefix, objectKey } from "./keys.js";

/** One object of a store. */
export interface ObjectAddress {
  /** The bucket, or what the provider calls so; a container. */
  readonly bucket: string;
  readonly key: string;
}

/** Options of a write to an object store. */
export interface PutObjectOptions {
  readonly contentType: string;
  readonly metadata: Readonly<Record<"sha256" | "codec", string>>;
  /** Whether to write only where there is no object of that key yet. */
  readonly ifAbsent: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** What an object store gives for an object. */
export interface ObjectBody {
  readonly body: BodyStream;
  /** Of the whole object, as the store announces it; undefined when it does not. */
  readonly sizeBytes?: number | undefined;
}

/**
 * What a driver needs of a client library; each ready-made one has a subpath of its own. Errors go through as the library
 * throws them: the driver reads the status and the code. Retries, timeouts and credentials are the library's.
 */
export interface ObjectStorageClient {
  /** With `ifAbsent` and an object there: fails with status 412, or with 409 and `BlobAlreadyExists`. */
  put(object: ObjectAddress, data: Uint8Array, options: PutObjectOptions): Promise<void>;
  /**
   * Resolves once the store has begun to answer. Fails with status 404 for no such object. A client may end the body after
   * `sizeBytes` and one more, by which it is known to be too large.
   */
  get(object: ObjectAddress, options: GetOptions): Promise<ObjectBody>;
  /** May fail with status 404 for no such object. */
  delete(object: ObjectAddress, options: DeleteOptions): Promise<void>;
}

/** What every driver over an object store can be told. */
export interface ObjectStorageOptions {
  readonly client: ObjectStorageClient;
  /** What keys start with; only references below it are read. Default none: the whole bucket. */
  readonly prefix?: string | undefined;
  /**
   * Whether to leave an object alone that is there already, as stores with conditional writes can. Set it to false where a
   * store has none, and where objects are removed by their age: writing them anew makes them young again. Default true.
   */
  readonly conditionalWrites?: boolean | undefined;
}

const CONTENT_TYPE = "application/octet-stream";

/** What the drivers for object stores have in common, which is all but names. */
export class ObjectExternalStorage implements ExternalStorageDriver {
  readonly scheme: string;
  readonly aliases: readonly string[];
  private readonly client: ObjectStorageClient;
  private readonly bucket: string;
  private readonly prefix: string;
  private readonly conditionalWrites: boolean;
  /** What the URIs of its bucket start with. */
  private readonly base: string;

  protected constructor(
    scheme: string,
    bucketOption: "bucket" | "container",
    bucket: string,
    options: ObjectStorageOptions,
    aliases: readonly string[] = [],
  ) {
    const { client, prefix, conditionalWrites = true } = options;
    if (typeof bucket !== "string" || !/^[\w.-]+$/.test(bucket)) {
      throw new TypeError(`${bucketOption} must be the bare name of a ${bucketOption}, without scheme or slashes`);
    }
    if (typeof client?.put !== "function" || typeof client.get !== "function" || typeof client.delete !== "function") {
      throw new TypeError(
        "client must have the methods put, get and delete; ready-made ones have subpaths of their own",
      );
    }
    this.scheme = scheme;
    this.aliases = aliases;
    this.client = client;
    this.bucket = bucket;
    this.prefix = normalizePrefix(prefix);
    this.conditionalWrites = conditionalWrites;
    this.base = `${scheme}://${bucket}/`;
  }

  accepts(given: string): boolean {
    const uri = this.plain(given);
    const key = uri.slice(this.base.length);
    return uri.startsWith(this.base) && key.startsWith(this.prefix) && isPlainKey(key);
  }

  uriFor({ sha256, codec }: Pick<PutOptions, "sha256" | "codec">): string {
    return this.base + objectKey(this.prefix, codec, sha256);
  }

  put(data: Uint8Array, { sha256, codec, signal }: PutOptions): Promise<string> {
    const key = objectKey(this.prefix, codec, sha256);
    const object = { bucket: this.bucket, key };
    const options = { contentType: CONTENT_TYPE, metadata: { sha256, codec }, signal };
    return callStorage("put", signal, async () => {
      try {
        await this.client.put(object, data, { ...options, ifAbsent: this.conditionalWrites });
      } catch (error) {
        const { status, code } = faultOf(error);
        if (!this.conditionalWrites || (status !== 412 && status !== 409)) throw error;
        // The key is the content's own hash, so that what is there is what was to be written. A conflict with a write
        // under way tells nothing: that one may still fail.
        const isThere = status === 412 || code === "BlobAlreadyExists";
        if (!isThere) await this.client.put(object, data, { ...options, ifAbsent: false });
      }
      return this.base + key;
    });
  }

  get(uri: string, { sizeBytes, signal }: GetOptions): Promise<Uint8Array> {
    return callStorage("get", signal, async () => {
      const { body, sizeBytes: announced } = await this.client.get(this.addressOf(uri), { sizeBytes, signal });
      return readBody(body, { expected: sizeBytes, announced, signal });
    });
  }

  delete(uri: string, { signal }: DeleteOptions = {}): Promise<void> {
    return callStorage("delete", signal, async () => {
      try {
        await this.client.delete(this.addressOf(uri), { signal });
      } catch (error) {
        if (faultOf(error).status !== 404) throw error;
      }
    });
  }

  private addressOf(uri: string): ObjectAddress {
    if (!this.accepts(uri)) {
      throw new ExternalStorageError("foreign_reference", `The URI is outside this ${this.scheme} storage.`);
    }
    return { bucket: this.bucket, key: this.plain(uri).slice(this.base.length) };
  }

  /** A URI by the scheme that is written. */
  private plain(uri: string): string {
    const alias = this.aliases.find((name) => uri.startsWith(`${name}://`));
    return alias === undefined ? uri : this.scheme + uri.slice(alias.length);
  }
}
