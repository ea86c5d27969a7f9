import { createHash, createHmac } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { SignatureV4 } from "@smithy/signature-v4";

/** What stands before a Function URL of auth type AWS_IAM: it signs the request again with AWS's own signer, and compares. */
export interface AwsWall {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly region: string;
  readonly service: string;
  /** Default: this machine's. */
  readonly nowMs?: number;
}

class NodeSha256 {
  private readonly hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    const key = typeof secret === "string" || secret === undefined ? secret : Buffer.from(secret as Uint8Array);
    this.hash = key === undefined ? createHash("sha256") : createHmac("sha256", key);
  }

  update(chunk: string | Uint8Array): void {
    this.hash.update(chunk);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.hash.digest()));
  }

  reset(): void {
    throw new Error("never");
  }
}

/** Why it lets a request not through; undefined when it does. */
export async function refusalOfAws(wall: AwsWall, request: IncomingMessage, body: string): Promise<string | undefined> {
  const given = request.headers.authorization ?? "";
  const date = String(request.headers["x-amz-date"]);
  const [, key, scope, list = ""] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\S+), SignedHeaders=(\S+), Signature=[0-9a-f]{64}$/.exec(given) ?? [];
  if (key !== wall.accessKeyId) return "unknown key";
  if (scope !== `${date.slice(0, 8)}/${wall.region}/${wall.service}/aws4_request`) return `scope ${scope}`;
  const names = list.split(";");
  if (!names.includes("host") || !names.includes("x-amz-date")) return `signed headers ${list}`;
  const at = new Date(date.replace(/^(....)(..)(..T..)(..)(..Z)$/, "$1-$2-$3:$4:$5"));
  if (!(Math.abs(at.getTime() - (wall.nowMs ?? Date.now())) < 300_000)) return `date ${date}`;
  if (request.headers["x-amz-security-token"] !== wall.sessionToken) return "session token";
  const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
  const { accessKeyId, secretAccessKey, sessionToken, region, service } = wall;
  const signer = new SignatureV4({
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    region,
    service,
    sha256: NodeSha256,
    applyChecksum: false,
  });
  const headers = Object.fromEntries(names.map((name) => [name, String(request.headers[name])]));
  const signed = await signer.sign(
    {
      method: request.method ?? "",
      protocol: url.protocol,
      hostname: url.hostname,
      port: Number(url.port),
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers,
      body,
    },
    { signingDate: at, signableHeaders: new Set(names) },
  );
  return signed.headers["authorization"] === given ? undefined : "signature";
}
