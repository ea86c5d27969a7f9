import { checkOptionNames } from "@durable-workflow/engine-protocol";
import { AwsV4Signer } from "aws4fetch";
import { type Authorizer, AuthorizerError } from "../delivery/authorizer.js";
import { describeNetworkError } from "../net/network-error.js";
import { COMMON_NAMES, type CommonOptions, checkText, resolveCommon } from "./common.js";
import { Kept } from "./kept.js";
import { type SecretReading, type SecretSource, secretReader } from "./secret-source.js";

/** What AWS signs with, as the providers of `@aws-sdk/credential-providers` give it. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  /** Default: they are asked for again after five minutes. */
  readonly expiration?: Date | undefined;
}

/** Where the parts of static credentials are. */
export interface AwsCredentialSources {
  readonly accessKeyId: SecretSource;
  readonly secretAccessKey: SecretSource;
  readonly sessionToken?: SecretSource | undefined;
}

export interface AwsSigV4Options extends CommonOptions {
  /** As in `eu-central-1`. */
  readonly region: string;
  /** Default `lambda`, which Function URLs want; `execute-api` for API Gateway. */
  readonly service?: string | undefined;
  /**
   * Sources, or a provider, such as `fromNodeProviderChain()` of `@aws-sdk/credential-providers`. Default: the variables
   * `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, where it is set, `AWS_SESSION_TOKEN`.
   */
  readonly credentials?: AwsCredentialSources | (() => Promise<AwsCredentials>) | undefined;
}

const DEFAULT_LIFE_MS = 300_000;

/**
 * Signs each request with AWS Signature Version 4, its body included, for Lambda Function URLs of auth type `AWS_IAM` and for
 * API Gateway. Whose credentials they are needs `lambda:InvokeFunctionUrl` and `lambda:InvokeFunction`. The signature is
 * made anew for each try, and is of no use for another task.
 *
 * @throws {TypeError} naming an option that cannot be used
 */
export function awsSigV4(options: AwsSigV4Options): Authorizer {
  checkOptionNames("awsSigV4", options, { ...COMMON_NAMES, region: true, service: true, credentials: true });
  const { region, service = "lambda", origins } = options;
  if (region === undefined) throw new TypeError("region must be given");
  checkText("region", region);
  checkText("service", service);
  const common = resolveCommon(options);
  const { clock } = common;
  const read = credentialReader(options.credentials, common);
  const signingKeys = new Map<string, ArrayBuffer>();
  return {
    origins,
    async authorize({ method, url, headers, body, refused }) {
      const credentials = await read(refused?.headers["authorization"]);
      // A key for each day, region and secret: what is kept of former ones is of no use.
      if (signingKeys.size > 10) signingKeys.clear();
      const signer = new AwsV4Signer({
        method,
        url: url.href,
        headers: { ...headers },
        body,
        service,
        region,
        accessKeyId: credentials.accessKeyId,
        secretAccessKey: credentials.secretAccessKey,
        ...(credentials.sessionToken === undefined ? {} : { sessionToken: credentials.sessionToken }),
        cache: signingKeys,
        datetime: new Date(clock.now()).toISOString().replaceAll(/[:-]|\.\d{3}/g, ""),
      });
      const signed = (await signer.sign()).headers;
      const authorization = signed.get("authorization") ?? "";
      const [, signature = authorization] = /Signature=(\w+)/.exec(authorization) ?? [];
      const own = [...signed].filter(([name, value]) => headers[name] !== value);
      const { secretAccessKey, sessionToken } = credentials;
      const secrets = [signature, secretAccessKey, ...(sessionToken === undefined ? [] : [sessionToken])];
      return { headers: Object.fromEntries(own), secrets };
    },
  };
}

/** @param refused the header that was refused, if one was */
type ReadCredentials = (refused: string | undefined) => Promise<AwsCredentials>;

function credentialReader(given: AwsSigV4Options["credentials"], common: SecretReading): ReadCredentials {
  if (typeof given !== "function") return sourcesReader(given, common);
  const { clock } = common;
  const kept = new Kept(clock, async () => {
    const value = await provided(given);
    return { value, expiresAt: value.expiration?.getTime() ?? clock.now() + DEFAULT_LIFE_MS };
  });
  return (refused) => kept.current(({ accessKeyId }) => refused?.includes(`Credential=${accessKeyId}/`) === true);
}

async function provided(provider: () => Promise<AwsCredentials>): Promise<AwsCredentials> {
  let credentials: AwsCredentials;
  try {
    credentials = await provider();
  } catch (error) {
    if (error instanceof AuthorizerError) throw error;
    throw new AuthorizerError(`the provider of AWS credentials failed (${describeNetworkError(error)})`);
  }
  for (const name of ["accessKeyId", "secretAccessKey"] as const) {
    if (typeof credentials?.[name] !== "string" || credentials[name] === "") {
      throw new AuthorizerError(`the provider of AWS credentials gave no ${name}`);
    }
  }
  return credentials;
}

function sourcesReader(given: AwsCredentialSources | undefined, common: SecretReading): ReadCredentials {
  if (given !== undefined) {
    const names = { accessKeyId: true, secretAccessKey: true, sessionToken: true } as const;
    checkOptionNames("credentials", given, names);
  }
  const reader = (name: keyof AwsCredentialSources, variable: string) => {
    const source = given === undefined ? { env: variable } : given[name];
    if (source === undefined && name !== "sessionToken") throw new TypeError(`credentials.${name} must be given`);
    return source === undefined ? undefined : secretReader(`credentials.${name}`, source, common);
  };
  const key = reader("accessKeyId", "AWS_ACCESS_KEY_ID");
  const secret = reader("secretAccessKey", "AWS_SECRET_ACCESS_KEY");
  const session = reader("sessionToken", "AWS_SESSION_TOKEN");
  const hasSession = (): boolean =>
    given !== undefined || (common.environment["AWS_SESSION_TOKEN"] ?? "").trim() !== "";
  return async (refused) => {
    const isUrgent = refused !== undefined;
    return {
      accessKeyId: (await key?.(isUrgent)) ?? "",
      secretAccessKey: (await secret?.(isUrgent)) ?? "",
      sessionToken: hasSession() ? await session?.(isUrgent) : undefined,
    };
  };
}
