import { checkOptionNames } from "@durable-workflow/engine-protocol";
import { type Authorizer, AuthorizerError, headerNameProblem, isHeaderValue } from "../delivery/authorizer.js";
import { COMMON_NAMES, type CommonOptions, resolveCommon } from "./common.js";
import { type ReadSecret, type SecretSource, secretReader } from "./secret-source.js";

/** Where a header's value is, and what goes before it. */
export type HeaderSource = SecretSource & {
  /** As in `Bearer `; it is no secret. Default: nothing. */
  readonly prefix?: string | undefined;
};

export interface HeadersFromOptions extends CommonOptions {
  /** By name, in any case. All of them are sent, or none. */
  readonly headers: Readonly<Record<string, HeaderSource>>;
}

/**
 * Headers of any name with values from environment variables or files, as platforms want them: `x-functions-key` (Azure
 * Functions), `x-vercel-protection-bypass` (Vercel), `CF-Access-Client-Id` with `CF-Access-Client-Secret` (Cloudflare Access).
 * Files are read again when they change, and at once when the carrier says 401 or 403.
 *
 * @throws {TypeError} naming an option that cannot be used
 */
export function headersFrom(options: HeadersFromOptions): Authorizer {
  checkOptionNames("headersFrom", options, { ...COMMON_NAMES, headers: true });
  const common = resolveCommon(options);
  const names = new Set<string>();
  const sources: [string, { readonly prefix: string; readonly read: ReadSecret }][] = [];
  for (const [name, source] of Object.entries(options.headers ?? {})) {
    const what = `headers.${name}`;
    const problem = headerNameProblem(name) ?? (names.has(name.toLowerCase()) ? "is there twice" : undefined);
    if (problem !== undefined) throw new TypeError(`${what} ${problem}`);
    names.add(name.toLowerCase());
    const { prefix = "", ...where } = { ...source };
    if (typeof prefix !== "string" || !/^[\x20-\x7e]*$/.test(prefix)) {
      throw new TypeError(`${what}.prefix must be visible ASCII`);
    }
    sources.push([name.toLowerCase(), { prefix, read: secretReader(what, where, common) }]);
  }
  if (sources.length === 0) throw new TypeError("headers must name at least one header");
  return {
    origins: options.origins,
    async authorize({ refused }) {
      const secrets: string[] = [];
      const headers: Record<string, string> = {};
      for (const [name, { prefix, read }] of sources) {
        const secret = await read(refused !== undefined);
        if (!isHeaderValue(secret)) throw new AuthorizerError(`headers.${name} holds characters that no header has`);
        secrets.push(secret);
        headers[name] = prefix + secret;
      }
      return { headers, secrets };
    },
  };
}
