import { BOOLEAN, knownOptions, type OptionNames } from "../../protocol/options.js";
import type { ObjectAddress, ObjectStorageClient } from "../object-storage.js";

/** What is needed of an `AwsClient`. Its own types are not named here: they need those of a browser. */
export interface SigningFetch {
  fetch(url: URL, init: RequestInit): Promise<Response>;
}

/** Where and with which credentials `fetchS3Client` asks. */
export interface FetchS3ClientOptions {
  /** Signs and sends; of `aws4fetch`. Give it the credentials, the region and `service: "s3"`. */
  readonly aws: SigningFetch;
  /** As in `https://s3.eu-central-1.amazonaws.com`. */
  readonly endpoint: string | URL;
  /** Whether the bucket is the first part of the path, as most other stores want it, rather than of the host. Default false. */
  readonly pathStyle?: boolean;
}

const OPTION_NAMES: OptionNames<FetchS3ClientOptions> = {
  aws: true,
  endpoint: true,
  pathStyle: BOOLEAN,
};

/**
 * A client over `fetch` for an `S3ExternalStorage`, for workers and everywhere else where the SDK is too much: with
 * `aws4fetch`, which signs and retries, it weighs a few KB. It reads credentials from nowhere.
 *
 * ```ts
 * const aws = new AwsClient({ accessKeyId, secretAccessKey, region: "eu-central-1", service: "s3" });
 * const client = fetchS3Client({ aws, endpoint: "https://s3.eu-central-1.amazonaws.com" });
 * ```
 *
 * @throws {TypeError} for an endpoint that is no URL, and for one with an IP address unless `pathStyle` is set
 */
export function fetchS3Client(options: FetchS3ClientOptions): ObjectStorageClient {
  const { aws, endpoint, pathStyle = false } = knownOptions(options, OPTION_NAMES, "fetchS3Client");
  const base = URL.canParse(String(endpoint)) ? new URL(endpoint) : undefined;
  if (base === undefined) throw new TypeError("endpoint must be a URL, as in https://s3.eu-central-1.amazonaws.com");
  if (typeof aws?.fetch !== "function") throw new TypeError("aws must be an AwsClient of aws4fetch");
  if (!pathStyle && isAddress(base.hostname)) {
    throw new TypeError(`endpoint ${base.host} is an address, which can have no bucket in front: set pathStyle: true`);
  }
  const root = base.pathname.replace(/\/$/, "");

  async function send(object: ObjectAddress, init: RequestInit): Promise<Response> {
    const url = new URL(base!);
    if (!pathStyle) url.host = `${object.bucket}.${url.host}`;
    const path = object.key.split("/").map(encodeURIComponent).join("/");
    url.pathname = `${root}/${pathStyle ? `${object.bucket}/` : ""}${path}`;
    const response = await aws.fetch(url, init);
    if (response.ok) return response;
    // The code only: S3's messages repeat the request, and keys with it.
    const code = /<Code>(\w+)<\/Code>/.exec(await response.text())?.[1];
    throw Object.assign(new Error(`S3 answered ${response.status}.`), { status: response.status, code });
  }

  return {
    async put(object, data, { contentType, metadata, ifAbsent, signal }) {
      const headers = {
        "content-type": contentType,
        // Signed along, so that the store refuses bytes that were damaged on their way.
        "x-amz-content-sha256": metadata.sha256,
        "x-amz-meta-sha256": metadata.sha256,
        "x-amz-meta-codec": metadata.codec,
        ...(ifAbsent ? { "if-none-match": "*" } : undefined),
      };
      const response = await send(object, {
        method: "PUT",
        headers,
        body: data as NonNullable<RequestInit["body"]>,
        ...until(signal),
      });
      await response.body?.cancel();
    },

    async get(object, { signal }) {
      const response = await send(object, { method: "GET", ...until(signal) });
      // With a content encoding the announced length is not that of what is read.
      const length = response.headers.has("content-encoding") ? null : response.headers.get("content-length");
      return {
        body: response.body ?? new Blob([]).stream(),
        sizeBytes: length === null ? undefined : Number(length),
      };
    },

    async delete(object, { signal }) {
      const response = await send(object, { method: "DELETE", ...until(signal) });
      await response.body?.cancel();
    },
  };
}

/** `URL` leaves a host that is an address as it is, whatever is put in front of it. */
function isAddress(hostname: string): boolean {
  return hostname.startsWith("[") || /^\d+\.\d+\.\d+\.\d+$/.test(hostname);
}

function until(signal: AbortSignal | undefined): RequestInit {
  return signal === undefined ? {} : { signal };
}
