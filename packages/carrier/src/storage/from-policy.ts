import { throwPolicyError } from "../protocol/errors.js";
import type { ExternalPayloadStoragePolicy } from "../protocol/storage-policy.js";
import { AzureBlobExternalStorage } from "./azure-blob.js";
import type { ExternalStorageDriver } from "./driver.js";
import { GCSExternalStorage } from "./gcs.js";
import type { ObjectStorageClient } from "./object-storage.js";
import { S3ExternalStorage } from "./s3.js";

/** A client, or a function that makes it when the policy asks for it. */
export type ClientSource = ObjectStorageClient | (() => ObjectStorageClient);

/** What a policy cannot hold: clients with credentials, and the driver that runs on Node only. */
export interface ExternalStorageSources {
  readonly s3?: ClientSource;
  readonly gcs?: ClientSource;
  readonly azureBlob?: ClientSource;
  /** As in `(options) => new LocalFilesystemExternalStorage(options)`. */
  readonly local?: (options: LocalStorageLocation) => ExternalStorageDriver;
  /** Of the drivers for object stores. Default true. */
  readonly conditionalWrites?: boolean;
}

/** The folder that a storage policy for local files stands for. */
export interface LocalStorageLocation {
  /** A `file:` URL. */
  readonly root: string;
  readonly prefix: string | undefined;
}

/** Where objects lie, and the field of the policy that says so. */
interface Location {
  readonly field: string;
  readonly bucket: string;
  readonly prefix: string | undefined;
}

/** What a location looks like in the provider's terms: its first group is the bucket, its second the prefix. */
const LOCATIONS = {
  s3: /^(?:s3:\/\/|arn:[\w-]+:s3:::)([\w.-]+)(?:\/(.*))?$/i,
  gcs: /^(?:gs:\/\/|(?:.*\/)?buckets\/)([\w.-]+)(?:\/(.*))?$/i,
  "azure-blob": /^(?:azure(?:-blob)?:\/\/|.*\/containers\/)([\w-]+|\$root)(?:\/(.*))?$/i,
} as const;

type ObjectDriver = keyof typeof LOCATIONS;

const EXAMPLES = {
  s3: "s3://BUCKET/PREFIX or an S3 ARN of a bucket",
  gcs: "gs://BUCKET/PREFIX or .../buckets/BUCKET",
  "azure-blob": "azure-blob://CONTAINER/PREFIX",
} as const;

/**
 * Makes the driver that a namespace's policy asks for. Its threshold is `policy.thresholdBytes`.
 *
 * ```ts
 * const policy = ExternalPayloadStoragePolicy.parse(namespaceRecord);
 * const driver = externalStorageFromPolicy(policy, { s3: () => awsSdkS3Client(new S3Client({})) });
 * ```
 *
 * @throws {ExternalPayloadStoragePolicyError} for a policy that is not enabled, names a driver that `sources` has nothing
 *   for, does not say where payloads lie, or says it twice and differently
 */
export function externalStorageFromPolicy(
  policy: ExternalPayloadStoragePolicy,
  sources: ExternalStorageSources,
): ExternalStorageDriver {
  const { enabled, driver } = policy;
  if (!enabled) throwPolicyError("enabled", "true for storage to be used", "false");
  switch (driver) {
    case null:
      return throwPolicyError("driver", "the name of a driver", "null");
    case "local":
      return localDriver(policy, sources);
    case "s3":
      return new S3ExternalStorage(objectOptions(policy, driver, sources));
    case "gcs":
      return new GCSExternalStorage(objectOptions(policy, driver, sources));
    case "azure-blob": {
      const { bucket: container, ...options } = objectOptions(policy, driver, sources);
      return new AzureBlobExternalStorage({ ...options, container });
    }
  }
}

function localDriver(policy: ExternalPayloadStoragePolicy, { local }: ExternalStorageSources): ExternalStorageDriver {
  if (local === undefined) return missingSource("local", "local");
  const root = policy.config.uri ?? policy.reference;
  if (root === null) {
    const { disk } = policy.config;
    return throwPolicyError(
      "config.uri",
      "a file: URL",
      disk === null ? "nothing" : "only config.disk, a name that the engine alone can resolve",
    );
  }
  const field = policy.config.uri === null ? "reference" : "config.uri";
  if (!/^file:\/\/\/./i.test(root)) throwPolicyError(field, "a file: URL, as in file:///srv/payloads", "another text");
  return local({ root, prefix: explicitPrefix(policy)?.prefix });
}

function objectOptions(policy: ExternalPayloadStoragePolicy, driver: ObjectDriver, sources: ExternalStorageSources) {
  const name = driver === "azure-blob" ? "azureBlob" : driver;
  const source = sources[name];
  if (source === undefined) return missingSource(driver, name);
  const { bucket, prefix } = locate(policy, driver);
  const client = typeof source === "function" ? source() : source;
  return { client, bucket, prefix, conditionalWrites: sources.conditionalWrites };
}

function missingSource(driver: string, name: string): never {
  return throwPolicyError("driver", `one that this carrier was given a client for (sources.${name})`, `"${driver}"`);
}

/** Where the policy says that objects lie; all that it says must agree. */
function locate(policy: ExternalPayloadStoragePolicy, driver: ObjectDriver): Location {
  const { config, reference } = policy;
  const named = driver === "azure-blob" ? "container" : "bucket";
  const found = [
    config[named] === null ? undefined : { field: `config.${named}`, bucket: config[named], prefix: undefined },
    readLocation(config.uri, "config.uri", driver),
    readLocation(reference, "reference", driver),
  ].filter((location) => location !== undefined);
  const [first] = found;
  if (first === undefined) {
    const disk = config.disk === null ? "nothing" : "only config.disk, a name that the engine alone can resolve";
    return throwPolicyError(`config.${named}`, `the name of a ${named} (or reference: ${EXAMPLES[driver]})`, disk);
  }
  const other = found.find(({ bucket }) => bucket !== first.bucket);
  if (other !== undefined) throwPolicyError(other.field, `the ${named} that ${first.field} names`, "another one");
  return { ...first, prefix: agreedPrefix([explicitPrefix(policy), ...found]) };
}

function readLocation(text: string | null, field: string, driver: ObjectDriver): Location | undefined {
  if (text === null || text === "") return undefined;
  const [, bucket, prefix] = LOCATIONS[driver].exec(text) ?? [];
  if (bucket === undefined) return throwPolicyError(field, EXAMPLES[driver], "another text");
  return { field, bucket, prefix: prefix === "" ? undefined : prefix };
}

function explicitPrefix({
  prefix,
  config,
}: ExternalPayloadStoragePolicy): { field: string; prefix: string } | undefined {
  const given = [
    { field: "prefix", prefix },
    { field: "config.prefix", prefix: config.prefix },
  ].filter((entry): entry is { field: string; prefix: string } => entry.prefix !== null && entry.prefix !== "");
  const agreed = agreedPrefix(given);
  return agreed === undefined ? undefined : given[0];
}

function agreedPrefix(
  given: readonly ({ readonly field: string; readonly prefix: string | undefined } | undefined)[],
): string | undefined {
  const named = given.filter((entry) => entry?.prefix !== undefined);
  const other = named.find((entry) => bare(entry?.prefix) !== bare(named[0]?.prefix));
  if (other !== undefined) throwPolicyError(other.field, `the prefix that ${named[0]?.field} names`, "another one");
  return named[0]?.prefix;
}

function bare(prefix: string | undefined): string | undefined {
  return prefix?.replaceAll(/^\/|\/$/g, "");
}
