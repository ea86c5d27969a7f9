import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
// @ts-expect-error -- a script, without types
import * as script from "../../../scripts/error-codes.mjs";
import { House } from "../src/sources.js";

interface Declared {
  readonly code: string;
  readonly comment: string;
  readonly status: string | undefined;
}

const { declaredCodes, errorCodesPage, VOCABULARIES, FAILURE_TYPES } = script as {
  readonly declaredCodes: (source: string, name: string) => readonly Declared[];
  readonly errorCodesPage: () => Promise<string>;
  readonly VOCABULARIES: readonly { readonly file: string; readonly name: string }[];
  readonly FAILURE_TYPES: Readonly<Record<string, unknown>>;
};
const { packages } = new House();
const page = readFileSync(fileURLToPath(new URL("../../../docs/reference/error-codes.md", import.meta.url)), "utf8");

/** Every source of every package, its page for browsers apart. */
const files = packages.flatMap(({ folder, sources }) =>
  sources.files
    .filter((file) => !file.startsWith("page/"))
    .map((file) => ({ file: `${folder}/src/${file}`, code: sources.code(file) })),
);

describe("docs/reference/error-codes.md", () => {
  it("is what the code says: write it with node scripts/reference.mjs", async () => {
    expect(page).toBe(await errorCodesPage());
  });

  /** What is named like a vocabulary of errors, and is told of elsewhere, or is no vocabulary. */
  const TOLD_ELSEWHERE: Readonly<Record<string, string>> = {
    "carrier/src/http/responses.ts InvocableHttpErrorCode": "the type of ERRORS",
    "carrier/src/protocol/constants.ts LEASE_GONE_REASONS": "some of the engine's REASONS",
    "cli/src/shell/command.ts ExitCode": "the type of EXIT",
    "cli/src/net/exchange.ts REASONS": "sentences for the codes of Node's own network errors",
    "inspector/src/action/actions.ts REFUSALS": "some of ERROR_CODES",
    "local-engine/src/api/registrations.ts REFUSALS": "some of the engine's REASONS",
    "inspector/src/api/common.ts ErrorCode": "the type of ERROR_CODES",
    "engine-protocol/src/external-payloads/errors.ts PayloadRefusalReason": "the type of PAYLOAD_REFUSALS",
    "engine-protocol/src/external-payloads/errors.ts PAYLOAD_REFUSALS": "some of the engine's REASONS",
    "engine-protocol/src/external-payloads/errors.ts OLDER_PAYLOAD_REFUSALS": "names of older servers for the same",
  };

  it("has every vocabulary of errors: each declaration that is named like one", () => {
    const named = files.flatMap(({ file, code }) =>
      [
        ...code.matchAll(
          /^(?:export )?(?:type|const) (\w*(?:ErrorCode|ERROR_CODES|[A-Z_]ERRORS|\bERRORS|REASONS|REFUSALS|RefusalReason|ExitCode)|EXIT)(?= ?=|:)/gm,
        ),
      ].map(([, name = ""]) => `${file} ${name}`),
    );
    const told = VOCABULARIES.map(({ file, name }) => `${file} ${name}`);
    expect(named.filter((one) => !told.includes(one) && TOLD_ELSEWHERE[one] === undefined)).toEqual([]);
    expect([...told, ...Object.keys(TOLD_ELSEWHERE)].filter((one) => !named.includes(one))).toEqual([]);
  });

  it("has every reason that the local engine gives", () => {
    const given = files
      .filter(({ file }) => file.startsWith("local-engine/"))
      .flatMap(({ code }) => [...code.matchAll(/\breason: "(\w+)"/g)].map(([, reason = ""]) => reason));
    expect(new Set(given).size).toBeGreaterThan(20);
    const [, section = ""] = /^## The engine\n([^]*?)^## /m.exec(page) ?? [];
    for (const reason of given) expect(section, reason).toContain(`\n| \`${reason}\``);
  });

  it("has every type of failure that carrier, worker, dispatcher and engine say themselves", () => {
    const rooms =
      /^(?:carrier\/src\/(?:activity|storage)|dispatcher\/src|worker\/src|local-engine\/src\/engine|cli\/src\/host)\//;
    const said = new Set(
      files
        .filter(({ file }) => rooms.test(file))
        .flatMap(({ code }) => [...code.matchAll(/"([A-Z][a-z]+(?:[A-Z][a-z]+)+)"/g)].map(([, type = ""]) => type)),
    );
    expect([...said].filter((type) => !NO_FAILURES.has(type)).toSorted()).toEqual(
      Object.keys(FAILURE_TYPES).toSorted(),
    );
    expect([...NO_FAILURES].filter((name) => !said.has(name))).toEqual([]);
  });

  it("says of each code what to do", () => {
    const rows = page.split("\n").filter((line) => /^\| (?:\d+ +\| )?`/.test(line));
    expect(rows.length).toBeGreaterThan(150);
    for (const row of rows)
      expect(
        row
          .split(/(?<!\\)\|/)
          .at(-2)
          ?.trim(),
        row,
      ).not.toBe("");
  });
});

/** Names of classes, of brands, and words of others, which no failure has as its type by our own doing. */
const NO_FAILURES = new Set([
  "AbortError", // of platforms
  "ActivityDefinition",
  "ActivityFailure", // what a handler throws: its type is the handler's to name
  "ActivityValidationError",
  "AddressRefusedError", // becomes DeliveryRefused
  "AggregateError", // of platforms
  "AuthorizerError", // becomes InvocableCarrierAuthUnavailable
  "AzureBlobExternalStorage",
  "BlobAlreadyExists", // Azure's
  "CredentialError", // becomes InvocableCarrierAuthUnavailable
  "ExitRefused", // thrown into a handler whose attempt is over
  "ExternalPayloadCache",
  "ExternalStorageError", // becomes one of three types
  "HeartbeatError",
  "InvocableActivityHandler",
  "LocalFilesystemExternalStorage",
  "MemoryIdempotencyStore",
  "NonRetryableError", // as ActivityFailure
  "NotTextError",
  "ProfileError",
  "RedisIdempotencyStore",
  "RedisStoreError", // becomes IdempotencyStoreUnavailable
  "StoreFailure", // becomes IdempotencyStoreUnavailable
  "SystemRoot", // Windows' variable
]);

describe("declaredCodes", () => {
  it("reads unions, lists and tables of statuses, with the comments behind them", () => {
    const source = [
      "export type OneCode =",
      '  | "first" // of all',
      '  | "last"; // of all, too',
      "",
      "const ERRORS = {",
      '  401: "unauthorized", // no token',
      "  400: INVALID_REQUEST,",
      "} as const;",
      'export const LIST = [\n  "a", // A\n  "b",\n] as const;',
    ].join("\n");
    expect(declaredCodes(source, "OneCode").map(({ code, comment }) => [code, comment])).toEqual([
      ["first", "of all"],
      ["last", "of all, too"],
    ]);
    expect(declaredCodes(source, "ERRORS").map(({ code, status }) => [status, code])).toEqual([
      ["401", "unauthorized"],
      ["400", "invalid_request"],
    ]);
    expect(declaredCodes(source, "LIST").map(({ code, comment }) => [code, comment])).toEqual([
      ["a", "A"],
      ["b", ""],
    ]);
    expect(() => declaredCodes(source, "NONE")).toThrow("there is no NONE");
  });
});
