import type { RuntimeExpectation } from "./cases.js";

/** Where a platform cannot do what a case promises. An entry that is not needed any more fails. */
export interface RuntimeException {
  /** Names of platforms. */
  readonly platforms: readonly string[];
  readonly case: string;
  readonly why: string;
  /** What is to come instead, for the step that differs. */
  readonly instead: RuntimeExpectation;
}

const LAMBDA = [
  "Function URL",
  "REST API",
  "load balancer",
  "VPC Lattice",
  "VPC Lattice, version 1",
  "Netlify Functions, version 1",
].map((service) => `Lambda, ${service}`);
const VERCEL = ["Vercel, web", "Vercel, fetch", "Vercel, node"];
const SLEPT_ON: RuntimeExpectation = { outcome: "success", value: "nothing" };
const TOLD: RuntimeExpectation = { outcome: "refusal", status: 500, error: "request_body_unavailable" };

export const runtimeExceptions: readonly RuntimeException[] = [
  {
    platforms: ["Deno", "workerd", "Azure Functions", "Netlify Functions", "Vercel, edge", ...LAMBDA, ...VERCEL],
    case: "platform/disconnect",
    why: "The platform does not tell of a client that goes away.",
    instead: SLEPT_ON,
  },
  {
    platforms: [
      "Bun",
      "Deno",
      "workerd",
      "Hono",
      "h3",
      "Next.js, app",
      "SvelteKit",
      "Azure Functions",
      "Netlify Functions",
      "Vercel, web",
      "Vercel, fetch",
      "Vercel, edge",
    ],
    case: "requests/read-before",
    why: "A Request keeps nothing of a body that was read; the carrier says so, and the task may be sent again.",
    instead: TOLD,
  },
  {
    platforms: ["SvelteKit"],
    case: "requests/form-media-type",
    why: "SvelteKit refuses forms of other origins, and takes a task of that media type for one.",
    instead: { outcome: "refusal", status: 403 },
  },
  {
    platforms: LAMBDA,
    case: "values/large-result",
    why: "Lambda carries 6 MB, a load balancer 1 MB: the carrier says so in place of the platform.",
    instead: {
      outcome: "failure",
      kind: "application",
      classification: "application_error",
      type: "ResultTooLarge",
      messageIncludes: "externalStorage",
      retryable: false,
    },
  },
  {
    platforms: LAMBDA,
    case: "refusals/oversize-far",
    why: "Lambda's own limit of 6 MB comes before the carrier.",
    instead: { outcome: "refusal", status: 413 },
  },
  ...["requests/chunked", "refusals/oversize-chunked"].map((id) => ({
    platforms: VERCEL,
    case: id,
    why: "`vercel dev` passes the header on to a client of HTTP that refuses it: bodies are not taken in chunks there.",
    instead: { outcome: "refusal", status: 500 } as const,
  })),
  {
    platforms: ["Google Cloud Functions"],
    case: "refusals/compressed",
    why: "The framework decompresses what it can, and refuses what it cannot, in its own words.",
    instead: { outcome: "refusal", status: 400 },
  },
];
