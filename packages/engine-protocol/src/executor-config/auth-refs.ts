import { fieldOf, textField } from "../fields.js";
import { type ConfigError, configError } from "./errors.js";
import type { AuthReference } from "./model.js";

/** The fields that each kind of reference needs. */
const NEEDED: Readonly<Record<AuthReference["type"], readonly string[]>> = {
  env: ["env"],
  token_file: ["path"],
  profile: ["profile"],
  mtls: ["cert", "key_ref"],
};

function neededBy(type: unknown): readonly string[] | undefined {
  return typeof type === "string" && Object.hasOwn(NEEDED, type) ? NEEDED[type as AuthReference["type"]] : undefined;
}

/** What is wrong with a reference to a credential whose fields are well formed. */
export function authReferenceErrors(name: string, reference: unknown): readonly ConfigError[] {
  const type = fieldOf(reference, "type");
  const needed = neededBy(type);
  if (needed === undefined) {
    if (type !== "signed_headers") return [];
    const message = "signed_headers is not supported: use env, token_file, profile or mtls.";
    return [configError("unsupported_auth_ref", message, { auth_ref: name, type })];
  }
  const errors: ConfigError[] = [];
  for (const field of needed) {
    const value = textField(reference, field);
    if (value === undefined) {
      const message = `An auth_ref of type ${String(type)} needs ${field}.`;
      errors.push(configError("unsupported_auth_ref", message, { auth_ref: name, field }));
    } else if (value.includes("-----BEGIN")) {
      const message = `${field} must say where the credential is, not contain it.`;
      errors.push(configError("unsupported_auth_ref", message, { auth_ref: name, field }));
    }
  }
  return errors;
}

/** A reference that has no errors; undefined for a kind that is not supported. */
export function readAuthReference(reference: unknown): AuthReference | undefined {
  const text = (field: string): string => textField(reference, field) ?? "";
  switch (fieldOf(reference, "type")) {
    case "env":
      return { type: "env", env: text("env") };
    case "token_file":
      return { type: "token_file", path: text("path") };
    case "profile":
      return { type: "profile", profile: text("profile") };
    case "mtls":
      return { type: "mtls", cert: text("cert"), keyRef: text("key_ref") };
    default:
      return undefined;
  }
}
