import { type KeyObject, sign, verify } from "node:crypto";
import type { IncomingMessage } from "node:http";

type Claims = Readonly<Record<string, unknown>>;

/** A JWT of RS256, made without this repository's code. */
export function jwt(claims: Claims, key: KeyObject): string {
  const signed = [{ alg: "RS256" }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${signed}.${sign("RSA-SHA256", Buffer.from(signed), key).toString("base64url")}`;
}

/** The claims of a JWT that this key signed; undefined for others. */
export function claimsOf(token: string, key: KeyObject): Claims | undefined {
  const [head = "", body = "", signature = ""] = token.split(".");
  const isSigned = verify("RSA-SHA256", Buffer.from(`${head}.${body}`), key, Buffer.from(signature, "base64url"));
  return isSigned ? (JSON.parse(Buffer.from(body, "base64url").toString()) as Claims) : undefined;
}

/** Why what stands before a service of Cloud Run refuses a request; undefined when it lets it through. */
export function refusalOfGoogle(
  request: IncomingMessage,
  {
    key,
    audience,
    header = "authorization",
    nowMs,
  }: { key: KeyObject; audience: string; header?: string; nowMs: number },
): string | undefined {
  const [, token = ""] = /^Bearer (\S+)$/.exec(String(request.headers[header])) ?? [];
  const claims = claimsOf(token, key);
  if (claims === undefined) return "signature";
  if (claims["aud"] !== audience) return `audience ${String(claims["aud"])}`;
  return Number(claims["exp"]) * 1000 > nowMs ? undefined : "expired";
}
