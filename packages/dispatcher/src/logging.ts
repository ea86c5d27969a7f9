/** Log lines as JSON, by pino: an optional peer that its users install. */
export * from "./service/logs.js";
