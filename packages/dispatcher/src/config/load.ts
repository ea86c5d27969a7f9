import {
  configError,
  type ExecutorConfig,
  ExecutorConfigError,
  type ParseConfigOptions,
  parseExecutorConfig,
} from "@durable-workflow/engine-protocol/executor-config";
import { describePath } from "./shown-path.js";
import { NotTextError, readTextFile } from "./text-file.js";

/**
 * Reads an executor config from a file.
 *
 * @throws {ExecutorConfigError} `unreadable_config`, `invalid_json`, or as {@link parseExecutorConfig}
 */
export async function loadExecutorConfig(path: string, options: ParseConfigOptions = {}): Promise<ExecutorConfig> {
  return parseConfigText(await readConfigText(path), path, options);
}

/** @throws {ExecutorConfigError} `unreadable_config`, or `invalid_json` for a file that is not UTF-8 text */
export async function readConfigText(path: string): Promise<string> {
  try {
    return await readTextFile(path);
  } catch (error) {
    if (error instanceof NotTextError) {
      throw new ExecutorConfigError([configError("invalid_json", error.message, describePath(path))]);
    }
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new ExecutorConfigError([
      configError("unreadable_config", "The file cannot be read.", { ...describePath(path), reason }),
    ]);
  }
}

/** @throws {ExecutorConfigError} `invalid_json`, or as {@link parseExecutorConfig} */
export function parseConfigText(text: string, path: string, options: ParseConfigOptions = {}): ExecutorConfig {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which is not for everybody's eyes.
    throw new ExecutorConfigError([
      configError("invalid_json", "The file is not a JSON document.", describePath(path)),
    ]);
  }
  return parseExecutorConfig(document, options);
}
