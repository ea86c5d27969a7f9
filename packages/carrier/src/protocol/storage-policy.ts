import { throwPolicyError } from "./errors.js";
import {
  type JsonObject,
  readBoolean,
  readInteger,
  readNullableString,
  readObject,
  readOneOf,
  type Violate,
} from "./fields.js";

/** `azure` and `azure-blob` name the same. */
const DRIVERS = ["local", "s3", "gcs", "azure", "azure-blob"] as const;

/** The name of a storage driver, as storage policies spell it. */
export type ExternalPayloadStorageDriverName = Exclude<(typeof DRIVERS)[number], "azure">;

/** A namespace's policy for large payloads, as the engine's namespace record holds it. */
export interface ExternalPayloadStoragePolicy {
  readonly enabled: boolean;
  /** Null only where the policy is not enabled. */
  readonly driver: ExternalPayloadStorageDriverName | null;
  /** A payload whose blob is longer goes to storage. Null where the engine's default holds. */
  readonly thresholdBytes: number | null;
  /** Where payloads lie. Which of the fields are set depends on the driver. */
  readonly config: {
    readonly uri: string | null;
    readonly bucket: string | null;
    readonly container: string | null;
    readonly prefix: string | null;
    /** Names a disk of the engine's own configuration, of which a carrier knows nothing. */
    readonly disk: string | null;
  };
  /** The store in its provider's own terms, such as an S3 ARN. */
  readonly reference: string | null;
  readonly prefix: string | null;
  /** Carried along, not interpreted. */
  readonly mode: string | null;
  /** Carried along, not interpreted. */
  readonly status: string | null;
  /** Carried along: this library always checks size and SHA-256. Default true. */
  readonly integrityRequired: boolean;
}

/** Reads and checks policies of this form. */
export const ExternalPayloadStoragePolicy = {
  /**
   * Reads a policy, or the namespace record that holds one under `external_payload_storage`. Unknown fields are ignored.
   * Whether it says enough to make a driver is found out by `externalStorageFromPolicy`.
   *
   * @param value a parsed JSON document
   * @throws {ExternalPayloadStoragePolicyError} naming the first field that is off, and what was expected
   */
  parse(value: unknown): ExternalPayloadStoragePolicy {
    const document = readObject(value, "", throwPolicyError);
    if (!("external_payload_storage" in document)) return readPolicy(document, throwPolicyError);
    const at = "external_payload_storage";
    const nested = readObject(document[at], at, throwPolicyError);
    return readPolicy(nested, (path, expected, received) => throwPolicyError(`${at}.${path}`, expected, received));
  },
};

const NO_CONFIG: JsonObject = Object.freeze({});

function readPolicy(policy: JsonObject, violate: Violate): ExternalPayloadStoragePolicy {
  const enabled = readBoolean(policy["enabled"], "enabled", violate);
  const driver = policy["driver"] ?? null;
  const threshold = policy["threshold_bytes"] ?? null;
  const config = readConfig(policy["config"] ?? null, violate);
  const text = (field: string): string | null => readNullableString(policy[field] ?? null, field, violate);
  const setting = (field: string): string | null =>
    readNullableString(config[field] ?? null, `config.${field}`, violate);
  return {
    enabled,
    driver: driver === null && !enabled ? null : driverNamed(readOneOf(driver, DRIVERS, "driver", violate)),
    thresholdBytes: threshold === null ? null : readInteger(threshold, 0, "threshold_bytes", violate),
    config: {
      uri: setting("uri"),
      bucket: setting("bucket"),
      container: setting("container"),
      prefix: setting("prefix"),
      disk: setting("disk"),
    },
    reference: text("reference"),
    prefix: text("prefix"),
    mode: text("mode"),
    status: text("status"),
    integrityRequired: readBoolean(policy["integrity_required"] ?? true, "integrity_required", violate),
  };
}

function driverNamed(name: (typeof DRIVERS)[number]): ExternalPayloadStorageDriverName {
  return name === "azure" ? "azure-blob" : name;
}

/** An empty list stands for an empty map, as PHP writes one. */
function readConfig(value: unknown, violate: Violate): JsonObject {
  const isEmpty = value === null || (Array.isArray(value) && value.length === 0);
  return isEmpty ? NO_CONFIG : readObject(value, "config", violate);
}
