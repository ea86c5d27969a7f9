import {
  configError,
  ExecutorConfigError,
  parseExecutorConfig,
  redact,
} from "@durable-workflow/engine-protocol/executor-config";
import { expect, it } from "vitest";
import { readConfig } from "../../../local-engine/src/executor/config.js";
import { PROBES } from "./probes.js";
import { VERDICTS } from "./verdicts.js";

/** The dispatcher and the local engine read the same file; where they disagree about it, that is meant and has a reason. */

function dispatcherVerdict(text: string, overlay: string | undefined): readonly string[] {
  try {
    parseExecutorConfig(JSON.parse(text), overlay === undefined ? {} : { overlay });
    return [];
  } catch (error) {
    if (!(error instanceof ExecutorConfigError)) throw error;
    return named(error.errors);
  }
}

function named(errors: readonly { readonly code: string }[]): readonly string[] {
  return [...new Set(errors.map(({ code }) => code))].toSorted();
}

it("has a verdict for each probe", () => {
  expect(Object.keys(VERDICTS)).toEqual(Object.keys(PROBES));
  expect(Object.keys(PROBES).length).toBeGreaterThanOrEqual(25);
});

it.each(Object.entries(PROBES))("%s", (name, { document, overlay }) => {
  const text = JSON.stringify(document);
  const dispatcher = dispatcherVerdict(text, overlay);
  const engine = named(readConfig(text, overlay).errors);
  const { because, ...verdict } = VERDICTS[name] ?? { dispatcher: [], engine: [] };
  expect({ dispatcher, engine }).toEqual(verdict);
  // A difference that no longer shows must not keep its reason.
  expect(because !== undefined, "a reason, exactly where they differ").toBe(dispatcher.join() !== engine.join());
});

it.each([
  "token",
  "client_secret",
  "Authorization",
  "signature",
  "password",
  "credential",
  "credentials",
  "private_key",
])("both take out what somebody put under %s", (key) => {
  const metadata = { lamps: [{ [key]: "s3cret", room: "hall" }] };
  expect(redact(metadata)).toEqual({ lamps: [{ [key]: "redacted", room: "hall" }] });
  expect(configError("invalid_schema", "", metadata).context).toEqual(redact(metadata));
});
