import type { JsonObject } from "@durable-workflow/carrier/protocol";
import {
  at,
  FAILURE_REPORT_BYTES,
  FENCING_ENDPOINT,
  FENCING_SCHEMA,
  fieldOf,
  integerField,
  isObject,
  LONG_POLL_SECONDS,
  SHORT_LEASES,
} from "@durable-workflow/engine-protocol";
import { type BatchLimits, readBatchLimits } from "./task-batches.js";

/** Who tells of capabilities. */
export type Teller = "cluster_info" | "register" | "other";

/** What the engine can do, as far as its answers have told. */
export class EngineCapabilities {
  private readonly renewal = new Map<Teller, boolean>();
  /** How long it holds a poll at most. */
  longPollSeconds: number = LONG_POLL_SECONDS.default;
  /** Whether registrations have tokens, and end with a receipt. */
  fencesRegistrations = false;
  /** Whether workers that say that they renew leases get shorter ones. */
  hasShortLeases = false;
  /** Whether it wants to know what the arguments of activities look like. */
  keepsInputSchemas = false;
  /** The most that the report of a failure may take. */
  failureReportBytes: number = FAILURE_REPORT_BYTES.body;

  /** How much it hands out and takes at once; undefined for one by one. */
  batches: BatchLimits | undefined;

  learn(body: JsonObject, teller: Teller): void {
    const capabilities = capabilitiesOf(body);
    if (teller === "cluster_info") {
      const most = integerField(fieldOf(body, "limits"), "max_payload_bytes") ?? 0;
      this.failureReportBytes = most > 0 ? Math.min(most, FAILURE_REPORT_BYTES.body) : FAILURE_REPORT_BYTES.body;
    }
    if (!isObject(capabilities)) return;
    // What was said last counts: behind one address may be engines that differ.
    this.batches = readBatchLimits(capabilities);
    const seconds = capabilities["long_poll_timeout"];
    if (typeof seconds === "number" && seconds >= 0 && seconds <= LONG_POLL_SECONDS.most)
      this.longPollSeconds = seconds;
    if (teller === "other") return;
    this.renewal.set(teller, renewsLeases(capabilities));
    this.hasShortLeases = fieldOf(capabilities[SHORT_LEASES], "supported") === true;
    this.keepsInputSchemas = capabilities["activity_input_schemas"] === true;
    this.fencesRegistrations = isFencing(capabilities["worker_deregistration_fencing"]);
  }

  /**
   * Whether leases are kept by `renew-lease`: every answer that was asked has to say so. Where one does not, leases are kept
   * by heartbeats, which every engine takes.
   */
  renewsLeases(pollAnswer: JsonObject): boolean {
    return renewsLeases(capabilitiesOf(pollAnswer)) && ![...this.renewal.values()].includes(false);
  }
}

function capabilitiesOf(body: JsonObject): unknown {
  return fieldOf(body, "server_capabilities") ?? at(body, "worker_protocol", "server_capabilities");
}

function renewsLeases(capabilities: unknown): boolean {
  return fieldOf(capabilities, "activity_lease_renewal") === true;
}

function isFencing(fencing: unknown): boolean {
  return (
    fieldOf(fencing, "supported") === true &&
    fieldOf(fencing, "schema") === FENCING_SCHEMA &&
    fieldOf(fencing, "endpoint") === FENCING_ENDPOINT &&
    (integerField(fencing, "receipt_retention_seconds") ?? 0) > 0
  );
}
