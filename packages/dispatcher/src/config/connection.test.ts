import { describe, expect, it } from "vitest";
import { type ConnectionInputs, describeConnection, resolveConnection } from "./connection.js";
import { parseProfiles, profilesPath } from "./profiles.js";

const profiles = parseProfiles({
  schema: "durable-workflow.cli.config",
  current_env: "prod",
  envs: {
    prod: {
      server: "https://prod.example",
      namespace: "prod-ns",
      token_source: { type: "env", value: "PROD_TOKEN" },
      tls_verify: true,
      output: "json",
    },
    dev: { server: "http://dev.example", token_source: { type: "literal", value: "dev-s3cret" }, tls_verify: false },
  },
});

const settle = (inputs: Partial<ConnectionInputs>) =>
  resolveConnection({ flags: {}, environment: {}, profiles: { currentEnv: null, envs: new Map() }, ...inputs });

function sources(inputs: Partial<ConnectionInputs>): readonly string[] {
  const { serverUrl, namespace, token, tlsVerify } = settle(inputs);
  return [serverUrl, namespace, token, tlsVerify].map(({ source, value }) => `${source} ${String(value)}`);
}

const selected = (inputs: Partial<ConnectionInputs>) => settle({ profiles, ...inputs }).profile;

describe("connection settings", () => {
  it("have defaults", () => {
    expect(settle({})).toEqual({
      profile: { value: null, source: "default" },
      serverUrl: { value: "http://127.0.0.1:8080", source: "default" },
      namespace: { value: "default", source: "default" },
      token: { value: null, source: "default" },
      tlsVerify: { value: true, source: "default" },
    });
  });

  it("come from flags, then environment, then profile, then the config's defaults", () => {
    const flags = { serverUrl: "http://flag.example", namespace: "flag", token: "flag-t", tlsVerify: false };
    const environment = {
      DURABLE_WORKFLOW_SERVER_URL: "http://env.example",
      DURABLE_WORKFLOW_NAMESPACE: "env",
      DURABLE_WORKFLOW_AUTH_TOKEN: "env-t",
      DURABLE_WORKFLOW_TLS_VERIFY: "0",
      PROD_TOKEN: "prod-t",
    };
    const defaults = { profile: null, namespace: "config", taskQueue: null, authRef: null };
    expect(sources({ flags, environment, profiles, defaults })).toEqual([
      "flag http://flag.example",
      "flag flag",
      "flag flag-t",
      "flag false",
    ]);
    expect(sources({ environment, profiles, defaults })).toEqual([
      "environment http://env.example",
      "environment env",
      "environment env-t",
      "environment false",
    ]);
    expect(sources({ environment: { PROD_TOKEN: "prod-t" }, profiles, defaults })).toEqual([
      "profile https://prod.example",
      "profile prod-ns",
      "profile prod-t",
      "profile true",
    ]);
    expect(sources({ defaults })[1]).toBe("config config");
  });

  it("select the profile by flag, DW_ENV, the config's defaults, the file's current one", () => {
    const defaults = { profile: "dev", namespace: null, taskQueue: null, authRef: null };
    expect(selected({ flags: { profile: "dev" }, environment: { DW_ENV: "prod" } })).toEqual({
      value: "dev",
      source: "flag",
    });
    expect(selected({ environment: { DW_ENV: "dev" } })).toEqual({ value: "dev", source: "environment" });
    expect(selected({ defaults })).toEqual({ value: "dev", source: "config" });
    expect(selected({ environment: { DW_ENV: "" } })).toEqual({ value: "prod", source: "default" });
  });

  it("refuse a profile that does not exist", () => {
    expect(() => settle({ flags: { profile: "constructor" }, profiles })).toThrow(
      'The profile "constructor" (named by the flag) does not exist; there are prod, dev.',
    );
    expect(() => settle({ environment: { DW_ENV: "prod" } })).toThrow("there are no profiles");
  });

  it.each(["ftp://x", "nonsense", "http://u:p@x", "http://x/?q=1", "http://x/api", "http://x/a/api/"])(
    "refuse the server URL %s",
    (serverUrl) => {
      expect(() => settle({ flags: { serverUrl } })).toThrow("The server URL (from the flag) must be");
    },
  );

  it("refuse a switch that is none", () => {
    expect(() => settle({ environment: { DURABLE_WORKFLOW_TLS_VERIFY: "maybe" } })).toThrow(
      "DURABLE_WORKFLOW_TLS_VERIFY must be true or false",
    );
  });

  it("are shown with their sources, without the token", () => {
    const shown = describeConnection(settle({ flags: { profile: "dev" }, profiles }));
    expect(shown.token).toEqual({ value: "redacted", source: "profile" });
    expect(shown.serverUrl).toEqual({ value: "http://dev.example", source: "profile" });
    expect(JSON.stringify(shown)).not.toContain("s3cret");
  });
});

it("finds the profiles file where the engine's own command line has it", () => {
  expect(profilesPath({ DW_CONFIG_HOME: "/dw", XDG_CONFIG_HOME: "/xdg" })).toMatch(/[/\\]dw[/\\]config\.json$/);
  expect(profilesPath({ XDG_CONFIG_HOME: "/xdg" })).toMatch(/[/\\]xdg[/\\]dw[/\\]config\.json$/);
  expect(profilesPath({})).toMatch(/\.config[/\\]dw[/\\]config\.json$/);
});
