import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Loopback, listen } from "@durable-workflow/test-support/loopback";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Authorizer, allOf, awsSigV4, googleIdToken, headersFrom } from "../src/authorizers.js";
import type { AbortedDelivery, DeliveryAnswer } from "../src/delivery/answer.js";
import { deliverTask } from "../src/delivery/carrier-delivery.js";
import { CredentialError, CredentialStore } from "../src/delivery/credentials.js";
import { HttpDeliverer } from "../src/delivery/http-carrier.js";
import type { ProcessDeliverer } from "../src/delivery/process-carrier.js";
import { reportOf } from "../src/delivery/result-mapping.js";
import { NetworkGuard } from "../src/net/guard.js";
import { Secrets } from "../src/net/secrets.js";
import { systemClock } from "../src/time/clock.js";
import { type AwsWall, refusalOfAws } from "./support/aws-wall.js";
import { claimsOf, jwt, refusalOfGoogle } from "./support/google-wall.js";
import { leasedTask, resultFor } from "./support/tasks.js";

/** Each authorizer against a wall that checks what it is shown by code that is not this repository's. */
const folder = mkdtempSync(join(tmpdir(), "authorizers-"));
const servers: Loopback[] = [];
const secrets = new Secrets();
let ahead = 0;
const clock = { ...systemClock, now: () => Date.now() + ahead };
const http = new HttpDeliverer({
  clock,
  guard: new NetworkGuard({ denyPrivateNetworks: false }),
  responseLimitBytes: 100_000,
  connectTimeoutMs: 5_000,
});

afterAll(async () => {
  await http.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  ahead = 0;
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

type Serve = (request: IncomingMessage, response: ServerResponse, body: string) => unknown;

async function serve(handle: Serve): Promise<string> {
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => void handle(request, response, body));
  });
  servers.push(await listen(server));
  return servers.at(-1)?.url ?? "";
}

type Refusal = string | undefined;

/** A carrier behind a wall, which says why it refuses. */
const behind = (
  refusal: (...given: Parameters<Serve>) => Refusal | Promise<Refusal>,
  refusals: unknown[] = [],
): Promise<string> =>
  serve(async (request, response, body) => {
    const why = await refusal(request, response, body);
    if (why === undefined) response.end(JSON.stringify(resultFor()));
    else response.writeHead(403).end(why);
    refusals.push(why);
  });

interface Wishes {
  /** The carrier's, in the config; default the one that the task is for. */
  readonly mapped?: string;
  readonly retries?: string[];
  readonly onSecret?: (secret: string) => void;
}

function storeOf(authorizer: Authorizer, mapped: string): CredentialStore {
  return new CredentialStore({
    config: {
      defaults: { profile: null, namespace: null, taskQueue: null, authRef: null },
      authRefs: new Map([["wall", { type: "env", env: "NEVER_READ" }]]),
      mappings: [mapping(mapped)],
    },
    local: {},
    authorizers: { wall: authorizer },
    environment: {},
    profiles: { currentEnv: null, envs: new Map() },
    secrets,
    clock,
  });
}

const mapping = (url: string) =>
  ({
    name: "dim",
    taskQueue: "lamps",
    activityType: "lamps.dim",
    handler: "dim",
    authRef: "wall",
    timeoutSeconds: 20,
    source: "config",
    carrier: {
      type: "invocable_http",
      name: "web",
      url,
      timeoutSeconds: null,
      retryPolicy: { maxAttempts: 1, backoffSeconds: [], retryableStatusCodes: [] },
    },
  }) as const;

function deliver(url: string, authorizer: Authorizer, wishes: Wishes = {}): Promise<DeliveryAnswer | AbortedDelivery> {
  const { mapped = url, retries = [], onSecret = () => undefined } = wishes;
  return deliverTask(
    {
      task: leasedTask(),
      engineNow: () => Date.now(),
      leaseLeft: () => 60_000,
      signal: new AbortController().signal,
      onRetry: (why) => retries.push(why),
      onSecret,
    },
    mapping(url),
    // No process is started here.
    {
      http,
      process: undefined as unknown as ProcessDeliverer,
      credentials: storeOf(authorizer, mapped),
      clock: systemClock,
      handlers: new Map(),
    },
  );
}

const messageOf = (answer: DeliveryAnswer | AbortedDelivery): string => ("message" in answer ? answer.message : "");

describe("awsSigV4", () => {
  const wall: AwsWall = {
    accessKeyId: "AKIDLAMPS",
    secretAccessKey: "aws-s3cret/key+",
    sessionToken: "aws-session-s3cret==",
    region: "eu-central-1",
    service: "lambda",
  };
  const environment = {
    AWS_ACCESS_KEY_ID: wall.accessKeyId,
    AWS_SECRET_ACCESS_KEY: `${wall.secretAccessKey}\n`,
    AWS_SESSION_TOKEN: wall.sessionToken,
  };
  const { region } = wall;

  it.each(["/", "/a%20b/c~d/(e)?x=1&a=%20b&empty="])("signs what AWS's own signer signs alike, at %s", async (path) => {
    const url = await behind((request, _, body) => refusalOfAws(wall, request, body));
    const held: string[] = [];
    const answer = await deliver(url + path, awsSigV4({ region, environment }), { onSecret: (one) => held.push(one) });
    expect(answer).toMatchObject({ kind: "http", status: 200 });
    expect(held).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), wall.secretAccessKey, wall.sessionToken]);
  });

  it("is refused with another secret, region or service, once more, and then for good", async () => {
    const refusals: unknown[] = [];
    const url = await behind((request, _, body) => refusalOfAws(wall, request, body), refusals);
    const wrong = { ...environment, AWS_SECRET_ACCESS_KEY: "another" };
    const retries: string[] = [];
    const answer = await deliver(url, awsSigV4({ region, environment: wrong }), { retries });
    expect(answer).toMatchObject({ kind: "http", status: 403 });
    expect(retries).toEqual(["status 403: once more, with fresh credentials"]);
    expect(await deliver(url, awsSigV4({ region: "us-east-1", environment }))).toMatchObject({ status: 403 });
    expect(await deliver(url, awsSigV4({ region, service: "execute-api", environment }))).toMatchObject({
      status: 403,
    });
    expect(refusals.map((why) => String(why).split(" ")[0])).toEqual([
      "signature",
      "signature",
      "scope",
      "scope",
      "scope",
      "scope",
    ]);
  });

  it("takes a provider's credentials until they are about to end, and others once they are refused", async () => {
    let accepted = "K1";
    const url = await behind((request, _, body) =>
      refusalOfAws({ ...wall, accessKeyId: accepted, nowMs: clock.now() }, request, body),
    );
    let given = 0;
    const { secretAccessKey, sessionToken } = wall;
    const authorizer = awsSigV4({
      region,
      clock,
      credentials: async () => {
        given++;
        const expiration = new Date(clock.now() + 3_600_000);
        return { accessKeyId: `K${given}`, secretAccessKey, sessionToken, expiration };
      },
    });
    expect(await deliver(url, authorizer)).toMatchObject({ status: 200 });
    expect(await deliver(url, authorizer)).toMatchObject({ status: 200 });
    expect(given).toBe(1);
    accepted = "K2";
    expect(await deliver(url, authorizer)).toMatchObject({ status: 200 });
    expect(given).toBe(2);
    ahead = 3_400_000;
    accepted = "K3";
    expect(await deliver(url, authorizer)).toMatchObject({ status: 200 });
    expect(given).toBe(3);
  });

  it.each<[string, Parameters<typeof awsSigV4>[0], string]>([
    [
      "nothing",
      { region, environment: {} },
      "credentials.accessKeyId: the environment variable AWS_ACCESS_KEY_ID is not set",
    ],
    [
      "no file",
      {
        region,
        credentials: { accessKeyId: { env: "A" }, secretAccessKey: { file: "/none/s3cret" } },
        environment: { A: "a" },
      },
      "credentials.secretAccessKey: the file of the secret cannot be read",
    ],
    [
      "a provider that fails",
      { region, credentials: () => Promise.reject(new Error("s3cret")) },
      "the provider of AWS credentials failed (Error)",
    ],
    [
      "a provider that gives nothing",
      { region, credentials: () => Promise.resolve({} as never) },
      "the provider of AWS credentials gave no accessKeyId",
    ],
  ])("with %s is a failure that may be retried, and says which and why", async (_, options, why) => {
    const answer = await deliver("http://127.0.0.1:1/", awsSigV4(options));
    expect(answer).toMatchObject({ kind: "refused", code: "credential_unavailable" });
    expect(messageOf(answer)).toBe(`the authorizer wall failed: ${why}`);
    const { report } = reportOf(leasedTask(), answer as DeliveryAnswer, { carrier: "web", scrub: String });
    expect(report).toMatchObject({
      kind: "fail",
      failure: { type: "InvocableCarrierAuthUnavailable", retryable: true, kind: "application" },
    });
    expect(JSON.stringify(report)).not.toContain("s3cret");
  });
});

describe("googleIdToken", () => {
  const google = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const account = generateKeyPairSync("rsa", { modulusLength: 2048 });
  let issued = 0;
  /** For an hour, as Google's. */
  const idToken = (audience: unknown): string => {
    issued++;
    const exp = Math.floor(clock.now() / 1000) + 3_600;
    return jwt({ aud: audience, exp, jti: issued }, google.privateKey);
  };
  beforeEach(() => {
    issued = 0;
  });

  const metadata = (): Promise<string> =>
    serve((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? "", "http://m");
      const isFine =
        request.headers["metadata-flavor"] === "Google" &&
        pathname === "/computeMetadata/v1/instance/service-accounts/default/identity";
      response.setHeader("Metadata-Flavor", "Google");
      if (isFine) response.end(idToken(searchParams.get("audience")));
      else response.writeHead(403).end();
    });
  const hostOf = (url: string): string => new URL(url).host;

  function keyFile(tokenUri: string): string {
    const path = join(folder, "account.json");
    const pem = account.privateKey.export({ type: "pkcs8", format: "pem" });
    const document = Object.fromEntries([
      ["type", "service_account"],
      ["client_email", "lamps@p.iam.gserviceaccount.com"],
      ["private_key_id", "k"],
      ["private_key", pem],
      ["token_uri", tokenUri],
    ]);
    writeFileSync(path, JSON.stringify(document));
    return path;
  }

  const run = (header?: string): Promise<string> =>
    behind((request) => {
      const audience = `http://${request.headers.host}`;
      const why = { key: google.publicKey, audience, nowMs: clock.now() };
      return refusalOfGoogle(request, header === undefined ? why : { ...why, header });
    });

  it("shows the metadata server's token for the carrier's origin, which it keeps until shortly before it ends", async () => {
    const url = await run();
    const environment = { GCE_METADATA_HOST: hostOf(await metadata()) };
    const authorizer = googleIdToken({ environment, clock });
    const all = await Promise.all([1, 2, 3].map(() => deliver(`${url}/activities`, authorizer)));
    expect(all).toMatchObject([{ status: 200 }, { status: 200 }, { status: 200 }]);
    expect(issued).toBe(1);
    ahead = 3_200_000;
    expect(await deliver(url, authorizer)).toMatchObject({ status: 200 });
    expect(issued).toBe(1);
    ahead = 3_400_000;
    expect(await deliver(url, authorizer)).toMatchObject({ status: 200 });
    expect(issued).toBe(2);
  });

  it("keeps to what it has while no other can be got, and not a moment after it ended", async () => {
    const url = await run();
    const environment = { GCE_METADATA_HOST: hostOf(await metadata()) };
    const authorizer = googleIdToken({ environment, clock });
    expect(await deliver(url, authorizer)).toMatchObject({ status: 200 });
    await servers.pop()?.close();
    ahead = 3_500_000;
    expect(await deliver(url, authorizer)).toMatchObject({ status: 200 });
    ahead = 3_600_000;
    expect(messageOf(await deliver(url, authorizer))).toBe(
      "the authorizer wall failed: the metadata server of Google Cloud gave no answer (ECONNREFUSED)",
    );
  });

  it("exchanges a JWT that the account's key signed", async () => {
    const url = await run("x-serverless-authorization");
    const endpoint = await serve((_, response, body) => {
      const form = new URLSearchParams(body);
      const claims = claimsOf(form.get("assertion") ?? "", account.publicKey) ?? {};
      const isFine =
        form.get("grant_type") === "urn:ietf:params:oauth:grant-type:jwt-bearer" &&
        claims["aud"] === `${endpoint}/token` &&
        claims["iss"] === "lamps@p.iam.gserviceaccount.com" &&
        Number(claims["exp"]) - Number(claims["iat"]) === 3_600;
      if (!isFine) response.writeHead(400).end('{"error":"invalid_grant","error_description":"s3cret"}');
      else response.end(JSON.stringify(Object.fromEntries([["id_token", idToken(claims["target_audience"])]])));
    });
    const header = "x-serverless-authorization";
    const authorizer = googleIdToken({ keyFile: keyFile(`${endpoint}/token`), header, environment: {}, clock });
    expect(await deliver(url, authorizer)).toMatchObject({ status: 200 });
    const wrong = googleIdToken({ keyFile: keyFile(`${endpoint}/other`), environment: {}, clock });
    expect(messageOf(await deliver(url, wrong))).toBe(
      "the authorizer wall failed: Google's token endpoint answered 400 (invalid_grant)",
    );
    const plain = googleIdToken({ keyFile: keyFile("http://tokens.example/"), environment: {}, clock });
    expect(messageOf(await deliver(url, plain))).toContain("token_uri of keyFile must be an https URL");
  });

  it("gets another token once when the carrier refuses one, and shares that", async () => {
    const refusals: unknown[] = [];
    let least = 2;
    const url = await behind((request) => {
      const claims = claimsOf(String(request.headers.authorization).replace("Bearer ", ""), google.publicKey);
      return Number(claims?.["jti"]) >= least ? undefined : "too old";
    }, refusals);
    const environment = { GCE_METADATA_HOST: hostOf(await metadata()) };
    const authorizer = googleIdToken({ environment, clock });
    const both = await Promise.all([deliver(url, authorizer), deliver(url, authorizer)]);
    expect(both).toMatchObject([{ status: 200 }, { status: 200 }]);
    expect(issued).toBe(2);
    least = 99;
    expect(await deliver(url, authorizer)).toMatchObject({ status: 403 });
    expect(refusals.filter((why) => why === "too old")).toHaveLength(4);
  });

  it("believes nothing that is not the metadata server, and no token that is none", async () => {
    const page = await serve((_, response) => response.end("<html>"));
    const environment = { GCE_METADATA_HOST: hostOf(page) };
    expect(messageOf(await deliver(page, googleIdToken({ environment })))).toContain(
      "what answered 200 is not the metadata server of Google Cloud",
    );
    const other = await serve((_, response) => response.setHeader("Metadata-Flavor", "Google").end("<html>"));
    const at = { GCE_METADATA_HOST: hostOf(other) };
    expect(messageOf(await deliver(other, googleIdToken({ environment: at })))).toContain(
      "what Google answered is no ID token",
    );
  });

  it("alone reaches the metadata address: a carrier there is refused all the same", async () => {
    const environment = { GCE_METADATA_HOST: hostOf(await metadata()) };
    const answer = await deliver("http://169.254.169.254/", googleIdToken({ environment, clock }));
    expect(answer).toMatchObject({ kind: "refused", code: "address_refused" });
    expect(issued).toBe(0);
  });
});

describe("headersFrom", () => {
  it("sends headers of any name, from variables and files, read at once when they are refused", async () => {
    const file = join(folder, "cf-secret");
    writeFileSync(file, "first-s3cret\n");
    let refused = 0;
    const url = await behind(({ headers }) => {
      if (headers["cf-access-client-id"] !== "lamps.access") return "id";
      if (headers["authorization"] !== "Bearer gate-s3cret") return "gate";
      if (headers["cf-access-client-secret"] === "second-s3cret") return undefined;
      refused++;
      writeFileSync(file, "second-s3cret");
      return "secret";
    });
    const authorizer = headersFrom({
      headers: {
        "CF-Access-Client-Id": { env: "CF_ID" },
        "CF-Access-Client-Secret": { file },
        Authorization: { env: "GATE", prefix: "Bearer " },
      },
      environment: { CF_ID: "lamps.access", GATE: "gate-s3cret" },
    });
    const held: string[] = [];
    const answer = await deliver(url, authorizer, { onSecret: (one) => held.push(one) });
    expect(answer).toMatchObject({ status: 200 });
    expect(refused).toBe(1);
    expect(new Set(held)).toEqual(new Set(["lamps.access", "gate-s3cret", "first-s3cret", "second-s3cret"]));
  });

  it("refuses what cannot be sent, without showing it", async () => {
    const authorizer = headersFrom({ headers: { "x-key": { env: "K" } }, environment: { K: "two\nl1nes" } });
    const answer = await deliver("http://127.0.0.1:1/", authorizer);
    expect(messageOf(answer)).toBe("the authorizer wall failed: headers.x-key holds characters that no header has");
  });

  it.each<[object, string]>([
    [{}, "headers must name at least one header"],
    [{ headers: { "x y": { env: "K" } } }, "headers.x y is no name of a header"],
    [{ headers: { "Content-Type": { env: "K" } } }, "headers.Content-Type is set by the dispatcher itself"],
    [{ headers: { "x-key": { env: "K" }, "X-Key": { env: "K" } } }, "headers.X-Key is there twice"],
    [{ headers: { "x-key": { env: "K", file: "f" } } }, "headers.x-key must have either env or file"],
    [{ headers: { "x-key": { value: "s3cret" } } }, 'headers.x-key: there is no option "value"'],
    [{ headers: { "x-key": { env: "K" } }, header: 1 }, 'headersFrom: there is no option "header"'],
  ])("%j is refused by name", (options, message) => {
    expect(() => headersFrom(options as never)).toThrow(message);
  });
});

describe("an authorizer", () => {
  const environment = { KEY: "key-s3cret" };
  const key = (name: string): Authorizer => headersFrom({ headers: { [name]: { env: "KEY" } }, environment });

  it("is not asked for an origin that it is not for", async () => {
    let asked = 0;
    const authorizer: Authorizer = { authorize: () => Promise.resolve({ headers: { asked: String(++asked) } }) };
    const url = await behind(() => undefined);
    const answer = await deliver(url, authorizer, { mapped: "https://lamps.example/" });
    expect(answer).toMatchObject({ kind: "refused", code: "credential_unavailable" });
    expect(messageOf(answer)).toBe(`the credential wall may not be sent to ${url}`);
    expect(asked).toBe(0);
    const far = { ...authorizer, origins: [url] };
    expect(await deliver(url, far, { mapped: "https://lamps.example/" })).toMatchObject({ status: 200 });
    const store = storeOf(authorizer, url);
    await expect(store.credentialFor({ ...mapping(url), authRef: "other" })).rejects.toThrow(CredentialError);
  });

  it("may be several, of which the one that signs goes last", async () => {
    const wall = { accessKeyId: "AKID", secretAccessKey: "s3cret", region: "r", service: "lambda" };
    const url = await behind(async (request, _, body) =>
      request.headers["x-key"] === "key-s3cret" ? refusalOfAws(wall, request, body) : "key",
    );
    const aws = awsSigV4({ region: "r", environment: { AWS_ACCESS_KEY_ID: "AKID", AWS_SECRET_ACCESS_KEY: "s3cret" } });
    expect(await deliver(url, allOf(key("x-key"), aws))).toMatchObject({ status: 200 });
  });

  it.each<[string, () => unknown, string]>([
    ["fails with a secret", () => Promise.reject(new Error("s3cret")), "Error"],
    ["says nothing", () => Promise.resolve(undefined), "it gave no headers"],
    [
      "sets what is not its own",
      () => Promise.resolve({ headers: { Host: "a" } }),
      "Host is set by the dispatcher itself",
    ],
    [
      "begins another header",
      () => Promise.resolve({ headers: { a: "b\r\nc: d" } }),
      "its a holds characters that no header has",
    ],
  ])("that %s is a refusal", async (_, authorize, why) => {
    const answer = await deliver("http://127.0.0.1:1/", { authorize: authorize as Authorizer["authorize"] });
    expect(messageOf(answer)).toBe(`the authorizer wall failed: ${why}`);
  });
});
