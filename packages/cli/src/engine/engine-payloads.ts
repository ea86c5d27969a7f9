import { createHash } from "node:crypto";
import {
  CONTROL_PLANE_VERSION,
  CONTROL_PLANE_VERSION_FIELD,
  demandsOf,
  NAMESPACE_FIELD,
  PATHS,
  parseJson,
  pathTo,
} from "@durable-workflow/engine-protocol";
import {
  metadataOf,
  PAYLOAD_MEDIA_TYPE,
  type PayloadTransport,
  payloadHeaders,
  type RuntimePayloadEnvelope,
  type RuntimePayloadReference,
  readPayloadError,
  readPayloadTransport,
  readUploadAnswer,
  runtimePayloadEnvelope,
} from "@durable-workflow/engine-protocol/external-payloads";
import { type Answer, bearer, NoAnswer } from "../net/exchange.js";
import type { HttpClient } from "../net/http-client.js";
import { CliError, EXIT } from "../shell/command.js";
import { cut } from "../shell/terminal-text.js";
import type { EngineConnection } from "./connection.js";
import type { ControlPlane } from "./control-plane.js";

/** An inline payload of the contract. */
export interface InlineEnvelope {
  readonly codec: string;
  readonly blob: string;
}

/** Whether a payload can be fetched; where not, the engine's reason. */
export type Availability = { readonly isAvailable: true } | { readonly isAvailable: false; readonly reason: string };

/** No engine asks for uploads of less: it need not be asked whether it does. */
const ASK_FROM_BYTES = 65_536;
const DEFAULT_TIMEOUT_SECONDS = 60;
const LONGEST_REASON = 500;

/**
 * Payloads that an engine keeps, as a command needs them: uploads what is over the engine's threshold, fetches by reference,
 * and compares sizes and hashes both ways.
 */
export class EnginePayloads {
  private readonly connection: EngineConnection;
  private readonly http: HttpClient;
  private readonly control: ControlPlane;

  constructor(connection: EngineConnection, http: HttpClient, control: ControlPlane) {
    this.connection = connection;
    this.http = http;
    this.control = control;
  }

  /**
   * The payload as it is to be sent: uploaded where it is over the engine's threshold, else as it is.
   *
   * @throws {CliError} for one that the engine does not take
   */
  async outgoing(payload: InlineEnvelope): Promise<InlineEnvelope | RuntimePayloadEnvelope> {
    const size = payload.blob.length;
    if (size < ASK_FROM_BYTES) return payload;
    const transport = await this.transport();
    if (transport === null || size <= transport.thresholdBytes) return payload;
    if (size > transport.maxPayloadBytes) {
      const limit = `the engine takes ${transport.maxPayloadBytes} bytes of base64 at most, and these are ${size}`;
      throw new CliError(EXIT.usage, `the arguments are too large: ${limit}`, "Pass where the data is, not the data.");
    }
    if (!transport.takesUploads) {
      const state = `the engine takes no large payloads now: its storage is ${transport.status}`;
      throw new CliError(EXIT.unreachable, state, "dw-carrier doctor says more.");
    }
    return runtimePayloadEnvelope(await this.upload(payload, transport));
  }

  /** @throws {CliError} when it cannot be had, or is not what the reference says */
  async download(reference: RuntimePayloadReference): Promise<InlineEnvelope> {
    const answer = await this.exchange("GET", this.pathOf(reference), {
      headers: { accept: PAYLOAD_MEDIA_TYPE, ...payloadHeaders(metadataOf(reference)) },
      limitBytes: reference.size_bytes,
      timeoutSeconds: DEFAULT_TIMEOUT_SECONDS,
    });
    if (answer.status !== 200) throw this.refused("fetched", answer);
    if (answer.body.length !== reference.size_bytes || sha256(answer.body) !== reference.sha256) {
      const what = `the payload ${reference.reference_id} is not what its reference says: size or SHA-256 differ`;
      throw new CliError(
        EXIT.failed,
        what,
        "Nothing was written. Something between here and the engine changes its answers.",
      );
    }
    return { codec: reference.codec, blob: answer.body };
  }

  /** Asks for the head of the answer alone. */
  async availability(reference: RuntimePayloadReference): Promise<Availability> {
    const answer = await this.exchange("HEAD", this.pathOf(reference), {
      headers: { accept: PAYLOAD_MEDIA_TYPE, ...payloadHeaders(metadataOf(reference)) },
      limitBytes: 0,
      timeoutSeconds: DEFAULT_TIMEOUT_SECONDS,
    });
    if (answer.status === 200) return { isAvailable: true };
    return { isAvailable: false, reason: STATUSES[answer.status] ?? `the engine answers ${answer.status}` };
  }

  private async upload(payload: InlineEnvelope, transport: PayloadTransport): Promise<RuntimePayloadReference> {
    const metadata = { codec: payload.codec, sizeBytes: payload.blob.length, sha256: sha256(payload.blob) };
    const answer = await this.exchange("POST", PATHS.payloads, {
      headers: { accept: "application/json", "content-type": PAYLOAD_MEDIA_TYPE, ...payloadHeaders(metadata) },
      body: payload.blob,
      timeoutSeconds: transport.requestTimeoutSeconds,
    });
    if (answer.status < 200 || answer.status > 299) throw this.refused("uploaded", answer);
    const read = readUploadAnswer(parseJson(answer.body), metadata);
    if (read.reference !== undefined) return read.reference;
    const why = demandsOf(read.violations);
    throw new CliError(EXIT.unreachable, `${this.control.url} answers an upload as engines do not: ${why}`);
  }

  /** Null for an engine that takes everything inline. */
  private async transport(): Promise<PayloadTransport | null> {
    const read = readPayloadTransport(await this.control.clusterInfo());
    if (read.violations === undefined) return read.transport;
    throw new CliError(
      EXIT.unreachable,
      `the engine at ${this.control.url} takes large payloads in a way that is not known here: ${demandsOf(read.violations)}`,
      "Update dw-carrier, or send less.",
    );
  }

  private pathOf({ reference_id: reference }: RuntimePayloadReference): string {
    return pathTo(PATHS.payload, { reference });
  }

  private async exchange(
    method: "GET" | "HEAD" | "POST",
    path: string,
    options: {
      readonly headers: Readonly<Record<string, string>>;
      readonly body?: string;
      readonly limitBytes?: number;
      readonly timeoutSeconds: number;
    },
  ): Promise<Answer> {
    const { namespace, token, tlsVerify } = this.connection;
    const { headers, body, limitBytes, timeoutSeconds } = options;
    try {
      return await this.http.exchange(
        new URL(`${this.control.url}${path}`),
        {
          method,
          headers: {
            [NAMESPACE_FIELD]: namespace,
            [CONTROL_PLANE_VERSION_FIELD]: CONTROL_PLANE_VERSION,
            "accept-encoding": "identity",
            // As a header, not as a token to be taken out of the answer: base64 may spell one by chance.
            ...bearer(token),
            ...headers,
          },
          body,
          timeoutMs: timeoutSeconds * 1000,
          // A refusal may be longer than the payload.
          limitBytes: Math.max(limitBytes ?? 0, 65_536),
        },
        { verify: tlsVerify },
      );
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      const what = `the engine at ${this.control.url} cannot be reached for a payload (${error.message})`;
      throw new CliError(EXIT.unreachable, what, "Is it running, and is the address right?");
    }
  }

  private refused(what: "uploaded" | "fetched", { status, body }: Answer): CliError {
    const error = readPayloadError(parseJson(body));
    const said = cut(error === undefined || error.message === "" ? `status ${status}` : error.message, LONGEST_REASON);
    const reason = error === undefined ? "" : ` (${error.reason})`;
    const isOfTheMoment = error?.retryable === true || status >= 500;
    const code = status === 401 || status === 403 ? EXIT.config : isOfTheMoment ? EXIT.unreachable : EXIT.failed;
    return new CliError(code, `a payload cannot be ${what}: ${said}${reason}`);
  }
}

/** An answer to HEAD has no body to say more. */
const STATUSES: Readonly<Record<number, string>> = {
  401: "the token is not known",
  403: "the token may not read payloads",
  404: "the engine has no such payload in this namespace",
  410: "it has expired",
  422: "its bytes are not what the reference says",
  503: "the engine's storage cannot be reached now",
};

function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}
