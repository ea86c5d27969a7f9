// Runs a bundled worker in workerd. argv: the bundle, and as JSON what differs from the configuration here.
import { Miniflare } from "miniflare";

const miniflare = new Miniflare({
  host: "127.0.0.1",
  port: 0,
  modules: true,
  scriptPath: process.argv[2],
  compatibilityDate: "2026-04-01",
  bindings: { GREETING: "hello from env" },
  cf: false,
  ...JSON.parse(process.argv[3] ?? "{}"),
});
console.log(`listening on ${await miniflare.ready}`);
