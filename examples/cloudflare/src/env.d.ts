/// <reference types="@cloudflare/workers-types" />

declare namespace Cloudflare {
  interface Env {
    /** Set by `wrangler secret put CARRIER_TOKEN`. */
    readonly CARRIER_TOKEN?: string;
  }
}
