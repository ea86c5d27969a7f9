export { type OpenTelemetryOptions, openTelemetryInterceptor } from "./interceptor.js";
