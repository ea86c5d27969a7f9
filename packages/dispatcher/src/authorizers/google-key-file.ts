import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { isObject } from "@durable-workflow/engine-protocol";
import { isLoopbackHost, parseUrl } from "@durable-workflow/engine-protocol/executor-config";
import { NotTextError, readTextFile } from "../config/text-file.js";
import { AuthorizerError } from "../delivery/authorizer.js";
import type { ResolvedCommon } from "./common.js";
import { exchange } from "./exchange.js";

const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const LIFE_SECONDS = 3_600;
const WHO = "Google's token endpoint";

interface ServiceAccount {
  readonly email: string;
  readonly keyId: string | undefined;
  readonly key: KeyObject;
  readonly tokenUrl: URL;
}

/**
 * ID tokens of a service account by its key: a JWT that it signs (RS256) is exchanged at the endpoint that the key names. The
 * file is read for each token, so that it may be replaced. Source: developers.google.com/identity/protocols/oauth2/service-account,
 * with the claim `target_audience`.
 */
export function tokenByKeyFile(
  path: string,
  { environment, clock }: ResolvedCommon,
): (audience: string) => Promise<string> {
  return async (audience) => {
    const account = readAccount(await readKeyFile(path));
    const { status, text } = await exchange(account.tokenUrl, {
      who: WHO,
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams([
        ["grant_type", GRANT_TYPE],
        ["assertion", assertion(account, audience, clock.now())],
      ]).toString(),
      clock,
      environment,
    });
    const answer = parsed(text);
    if (status !== 200) {
      const code = answer["error"];
      const why = typeof code === "string" && /^[a-z_]{1,50}$/.test(code) ? ` (${code})` : "";
      throw new AuthorizerError(`${WHO} answered ${status}${why}`);
    }
    const token = answer["id_token"];
    if (typeof token !== "string") throw new AuthorizerError(`${WHO} gave no id_token`);
    return token;
  };
}

function assertion({ email, keyId, key, tokenUrl }: ServiceAccount, audience: string, nowMs: number): string {
  const now = Math.floor(nowMs / 1000);
  const header = { alg: "RS256", typ: "JWT", ...(keyId === undefined ? {} : { kid: keyId }) };
  const claims = Object.fromEntries<string | number>([
    ["iss", email],
    ["sub", email],
    ["aud", tokenUrl.href],
    ["target_audience", audience],
    ["iat", now],
    ["exp", now + LIFE_SECONDS],
  ]);
  const [head, body] = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  const signed = `${head}.${body}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
}

async function readKeyFile(path: string): Promise<string> {
  try {
    return await readTextFile(path);
  } catch (error) {
    throw new AuthorizerError(`keyFile ${error instanceof NotTextError ? "is not UTF-8 text" : "cannot be read"}`);
  }
}

function readAccount(text: string): ServiceAccount {
  const document = parsed(text);
  const { type, client_email: email, private_key_id: keyId, private_key: pem, token_uri: tokenUri } = document;
  if (type !== "service_account") throw new AuthorizerError("keyFile is no key of a service account");
  if (typeof email !== "string") throw new AuthorizerError("keyFile has no client_email");
  const tokenUrl = typeof tokenUri === "string" ? parseUrl(tokenUri) : undefined;
  const isSafe =
    tokenUrl?.protocol === "https:" || (tokenUrl?.protocol === "http:" && isLoopbackHost(tokenUrl.hostname));
  if (tokenUrl === undefined || !isSafe) throw new AuthorizerError("token_uri of keyFile must be an https URL");
  return { email, keyId: typeof keyId === "string" ? keyId : undefined, key: privateKey(pem), tokenUrl };
}

function privateKey(pem: unknown): KeyObject {
  try {
    const key = createPrivateKey(pem as string);
    if (key.asymmetricKeyType === "rsa") return key;
  } catch {
    // What the parser says may quote the key.
  }
  throw new AuthorizerError("private_key of keyFile is no RSA key in PEM");
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const document: unknown = JSON.parse(text);
    return isObject(document) ? document : {};
  } catch {
    return {};
  }
}
