import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ActivityMapping, AuthReference } from "@durable-workflow/engine-protocol/executor-config";
import { afterAll, describe, expect, it } from "vitest";
import { Secrets } from "../net/secrets.js";
import { CredentialError, CredentialStore, type CredentialStoreOptions } from "./credentials.js";

const folder = mkdtempSync(join(tmpdir(), "credentials-"));
afterAll(() => rmSync(folder, { recursive: true }));

let now = 0;
const secrets = new Secrets();

function mapping(changes: Partial<ActivityMapping> = {}, url = "https://lamps.example/a"): ActivityMapping {
  return {
    name: "dim",
    taskQueue: "lamps",
    activityType: "lamps.dim",
    handler: "dim",
    authRef: "own",
    timeoutSeconds: null,
    source: "config",
    carrier: {
      type: "invocable_http",
      name: "web",
      url,
      timeoutSeconds: null,
      retryPolicy: { maxAttempts: 1, backoffSeconds: [], retryableStatusCodes: [] },
    },
    ...changes,
  };
}

function store(reference: AuthReference, more: Partial<CredentialStoreOptions> = {}): CredentialStore {
  return new CredentialStore({
    config: {
      defaults: { profile: null, namespace: null, taskQueue: null, authRef: null },
      authRefs: new Map([["own", reference]]),
      mappings: [mapping()],
    },
    local: {},
    environment: { LAMP_TOKEN: "env-s3cret", EMPTY: "", BAD: "two words", KEY: "key pem" },
    profiles: {
      currentEnv: null,
      envs: new Map([
        [
          "lit",
          { server: null, namespace: null, tokenSource: { type: "literal", value: "lit-s3cret" }, tlsVerify: null },
        ],
        ["none", { server: null, namespace: null, tokenSource: null, tlsVerify: null }],
      ]),
    },
    secrets,
    clock: { now: () => now, monotonic: () => now, schedule: () => () => undefined },
    ...more,
  });
}

describe("a credential", () => {
  it("is found where its reference says", async () => {
    expect(await store({ type: "env", env: "LAMP_TOKEN" }).credentialFor(mapping())).toEqual({
      type: "bearer",
      token: "env-s3cret",
    });
    expect(await store({ type: "profile", profile: "lit" }).credentialFor(mapping())).toEqual({
      type: "bearer",
      token: "lit-s3cret",
    });
    const cert = join(folder, "cert.pem");
    writeFileSync(cert, "cert pem");
    expect(await store({ type: "mtls", cert, keyRef: "env:KEY" }).credentialFor(mapping())).toEqual({
      type: "mtls",
      cert: "cert pem",
      key: "key pem",
    });
    expect(await store({ type: "mtls", cert, keyRef: `file:${cert}` }).credentialFor(mapping())).toMatchObject({
      key: "cert pem",
    });
  });

  it("is known to those who show what others say", () => {
    expect(secrets.scrub("Bearer env-s3cret, lit-s3cret")).toBe("Bearer [redacted], [redacted]");
  });

  it("in a file is read again when that has changed", async () => {
    const path = join(folder, "token");
    const own = store({ type: "token_file", path });
    await expect(own.credentialFor(mapping())).rejects.toThrow("the file of the credential own cannot be read");
    writeFileSync(path, "first-token\n");
    expect(await own.credentialFor(mapping())).toMatchObject({ token: "first-token" });
    writeFileSync(path, "second-token-longer");
    now += 2_000;
    expect(await own.credentialFor(mapping())).toMatchObject({ token: "second-token-longer" });
    unlinkSync(path);
    now += 2_000;
    await expect(own.credentialFor(mapping())).rejects.toThrow(CredentialError);
  });

  it.each<[string, AuthReference, string]>([
    ["not set", { type: "env", env: "NONE" }, "is not set"],
    ["empty", { type: "env", env: "EMPTY" }, "is not set"],
    ["no header's value", { type: "env", env: "BAD" }, "holds characters that no token has"],
    ["of a profile that is not there", { type: "profile", profile: "constructor" }, "is not set"],
    ["of a profile without token", { type: "profile", profile: "none" }, "is not set"],
  ])("%s is refused without being shown", async (_, reference, message) => {
    const error: unknown = await store(reference)
      .credentialFor(mapping())
      .catch((caught: unknown) => caught);
    expect(String(error)).toContain(message);
    expect(String(error)).not.toContain("two words");
  });
});

describe("a credential and where it may go", () => {
  const env: AuthReference = { type: "env", env: "LAMP_TOKEN" };

  it.each(["https://evil.example/a", "https://lamps.example:8443/a", "http://localhost/a"])(
    "is not sent to %s, where only the engine maps",
    async (url) => {
      await expect(store(env).credentialFor(mapping({ source: "engine" }, url))).rejects.toThrow(
        `the credential own may not be sent to ${new URL(url).origin}`,
      );
    },
  );

  it("is sent to the origins given with it in code, and to no other", async () => {
    const local = { far: { ...env, origins: ["https://far.example"] } };
    const both = store(env, { local });
    const far = (url: string) => both.credentialFor(mapping({ source: "engine", authRef: "far" }, url));
    expect(await far("https://far.example/x")).toMatchObject({ token: "env-s3cret" });
    await expect(far("https://far.example.evil/x")).rejects.toThrow(CredentialError);
  });

  it("is nothing where the mapping names none, and an error where the name is unknown", async () => {
    expect(await store(env).credentialFor(mapping({ authRef: null }))).toEqual({ type: "none" });
    await expect(store(env).credentialFor(mapping({ authRef: "toString" }))).rejects.toThrow(
      "no credential is known under the auth_ref toString",
    );
  });
});
