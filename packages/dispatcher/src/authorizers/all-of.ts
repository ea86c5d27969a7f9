import type { Authorization, Authorizer } from "../delivery/authorizer.js";

/**
 * Several authorizers as one, asked in this order, each with the headers of those before: a platform's wall and the carrier's
 * own gate, say. One that signs goes last. It may be used for the origins that each of them may be used for.
 *
 * @throws {TypeError} without an authorizer
 */
export function allOf(...authorizers: readonly Authorizer[]): Authorizer {
  if (authorizers.length === 0) throw new TypeError("allOf needs at least one authorizer");
  const [first, ...others] = authorizers.map(({ origins = [] }) => origins);
  return {
    origins: first?.filter((origin) => others.every((origins) => origins.includes(origin))),
    async authorize(request) {
      let said: Required<Authorization> = { headers: {}, secrets: [] };
      for (const authorizer of authorizers) {
        const { headers, secrets = Object.values(headers) } = await authorizer.authorize({
          ...request,
          headers: { ...request.headers, ...said.headers },
        });
        said = { headers: { ...said.headers, ...headers }, secrets: [...said.secrets, ...secrets] };
      }
      return said;
    },
  };
}
