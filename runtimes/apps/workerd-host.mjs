// Runs workerd.mjs, bundled, in workerd.
import { Miniflare } from "miniflare";

const miniflare = new Miniflare({
  host: "127.0.0.1",
  port: 0,
  modules: true,
  scriptPath: process.argv[2],
  compatibilityDate: "2026-04-01",
  bindings: { GREETING: "hello from env" },
  cf: false,
});
console.log(`listening on ${await miniflare.ready}`);
