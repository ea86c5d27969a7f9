import { task, variants } from "./request.js";
import type { ConformanceCase, ConformanceContext, ExpectedRefusal } from "./types.js";

const REFUSED = { outcome: "refusal", status: 401 } as const satisfies ExpectedRefusal;

/** What is sent as `authorization`; undefined for nothing. Each differs from what the carrier takes in one way. */
const STRANGERS: readonly {
  readonly id: string;
  readonly authorization: (token: string) => string | undefined;
}[] = [
  { id: "auth/no-token", authorization: () => undefined },
  { id: "auth/empty-token", authorization: () => "Bearer " },
  { id: "auth/wrong-token", authorization: () => "Bearer conformance-wrong-token" },
  { id: "auth/longer-token", authorization: (token) => `Bearer ${token}x` },
  { id: "auth/shorter-token", authorization: (token) => `Bearer ${token.slice(0, -1)}` },
  { id: "auth/token-without-scheme", authorization: (token) => token },
  { id: "auth/basic-scheme", authorization: (token) => `Basic ${token}` },
];

/** Who is let in. They hold where the sender has a token; without one nobody can tell strangers from guests. */
export const authCases: readonly ConformanceCase[] = [
  ...variants(STRANGERS, ({ authorization }) => ({
    requirement: "required",
    contract: "A request without the right credential is refused with 401, and its task is not run.",
    request: (context) => withAuthorization(authorization(context.token ?? ""), context),
    expect: REFUSED,
  })),
  {
    id: "auth/before-the-body",
    requirement: "recommended",
    contract: "Credentials are asked for before the body is read: a stranger learns nothing from a broken one.",
    request: () => ({ anonymous: true, body: "{" }),
    expect: REFUSED,
  },
  {
    id: "auth/challenge",
    requirement: "recommended",
    contract: "A 401 says in `WWW-Authenticate` which credential is wanted (RFC 9110).",
    request: (context) => withAuthorization(undefined, context),
    expect: { ...REFUSED, headersInclude: { "www-authenticate": "" } },
  },
  {
    id: "auth/scheme-in-any-case",
    requirement: "recommended",
    contract: "The scheme of `Authorization` may be written in any case (RFC 9110).",
    request: (context) => withAuthorization(`bEARER ${context.token ?? ""}`, context),
    expect: { outcome: "success", value: 1 },
  },
];

function withAuthorization(authorization: string | undefined, context: ConformanceContext) {
  return {
    ...task("conformance.echo", [1])(context),
    anonymous: true,
    ...(authorization === undefined ? {} : { headers: { authorization } }),
  } as const;
}
