export { type LogLine, recordingLogger } from "../../src/testing/recording-logger.js";
