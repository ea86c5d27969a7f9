/** Metrics for Prometheus, by prom-client: an optional peer that its users install. */
export * from "./service/metrics.js";
