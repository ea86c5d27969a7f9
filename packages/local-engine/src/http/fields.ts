import { isObject } from "@durable-workflow/engine-protocol";
import { type JsonObject, ReplyError } from "./call.js";

interface StringRule {
  readonly required?: boolean;
  readonly max?: number;
  readonly pattern?: RegExp;
  readonly oneOf?: readonly string[];
}

interface IntegerRule {
  readonly min?: number;
  readonly max?: number;
}

/**
 * Reads the fields of a body and collects what is wrong with them, in the words of the engine's own validator. Null is the
 * same as absent. After a mistake a reader gives undefined, and {@link Fields.check} throws.
 */
export class Fields {
  private readonly errors: Record<string, string[]> = {};

  /** @throws {ReplyError} 422 with all that was found */
  check(): void {
    const all = Object.values(this.errors).flat();
    const [first] = all;
    if (first === undefined) return;
    const more = all.length - 1;
    const message = more === 0 ? first : `${first} (and ${more} more error${more === 1 ? "" : "s"})`;
    throw invalid(message, this.errors);
  }

  add(name: string, message: string): undefined {
    (this.errors[name] ??= []).push(message);
    return undefined;
  }

  string(from: JsonObject, name: string, rule: StringRule = {}, prefix = ""): string | undefined {
    const path = prefix + name;
    const value = from[name];
    if (value === undefined || value === null || (value === "" && rule.required === true)) {
      return rule.required === true ? this.add(path, `The ${said(path)} field is required.`) : undefined;
    }
    if (rule.oneOf !== undefined) {
      const known = typeof value === "string" && rule.oneOf.includes(value);
      return known ? value : this.add(path, `The selected ${said(path)} is invalid.`);
    }
    if (typeof value !== "string") return this.add(path, `The ${said(path)} field must be a string.`);
    if (rule.max !== undefined && value.length > rule.max) {
      return this.add(path, `The ${said(path)} field must not be greater than ${rule.max} characters.`);
    }
    if (!isStorable(value) || (rule.pattern !== undefined && !rule.pattern.test(value))) {
      return this.add(path, `The ${said(path)} field format is invalid.`);
    }
    return value;
  }

  /** As {@link string}, for text that handlers wrote: what the database could not give back is replaced, not refused. */
  text(
    from: JsonObject,
    name: string,
    rule: Omit<StringRule, "pattern" | "oneOf"> = {},
    prefix = "",
  ): string | undefined {
    const value = from[name];
    return this.string(typeof value === "string" ? { [name]: storable(value) } : from, name, rule, prefix);
  }

  /** As {@link string}, for what stands in a path: `.` and `..` would be taken out of it on the way. */
  segment(from: JsonObject, name: string, rule: StringRule = {}): string | undefined {
    const value = this.string(from, name, rule);
    if (value === undefined || !isDots(value)) return value;
    return this.add(name, `The ${said(name)} field must not be "." or "..": no URL could name it.`);
  }

  integer(from: JsonObject, name: string, rule: IntegerRule = {}, prefix = ""): number | undefined {
    const path = prefix + name;
    const value = from[name];
    if (value === undefined || value === null) return undefined;
    return this.whole(path, value, rule);
  }

  /** A number from 0 on. */
  amount(from: JsonObject, name: string, prefix = ""): number | undefined {
    const path = prefix + name;
    const value = from[name];
    if (value === undefined || value === null) return undefined;
    // JSON's 1e999 is read as infinite, which could not be written again.
    if (!Number.isFinite(value)) return this.add(path, `The ${said(path)} field must be a number.`);
    return (value as number) >= 0 ? (value as number) : this.add(path, `The ${said(path)} field must be at least 0.`);
  }

  boolean(
    from: JsonObject,
    name: string,
    prefix = "",
    rule: { readonly required?: boolean } = {},
  ): boolean | undefined {
    const value = from[name];
    if (value === undefined || value === null) {
      return rule.required === true
        ? this.add(prefix + name, `The ${said(prefix + name)} field is required.`)
        : undefined;
    }
    if (value === true || value === 1 || value === "1") return true;
    if (value === false || value === 0 || value === "0") return false;
    return this.add(prefix + name, `The ${said(prefix + name)} field must be true or false.`);
  }

  /** A list of strings; at most 1000 of them. */
  strings(from: JsonObject, name: string, max: number, prefix = ""): readonly string[] | undefined {
    const path = prefix + name;
    const list = this.list(from[name], path);
    return list?.flatMap((item, index) => {
      const at = `${path}.${index}`;
      if (typeof item !== "string") return this.add(at, `The ${said(at)} field must be a string.`) ?? [];
      if (item.length > max) {
        return this.add(at, `The ${said(at)} field must not be greater than ${max} characters.`) ?? [];
      }
      return isStorable(item) ? [item] : (this.add(at, `The ${said(at)} field format is invalid.`) ?? []);
    });
  }

  integers(from: JsonObject, name: string, rule: IntegerRule, prefix = ""): readonly number[] | undefined {
    const path = prefix + name;
    const list = this.list(from[name], path);
    return list?.flatMap((item, index) => this.whole(`${path}.${index}`, item, rule) ?? []);
  }

  object(
    from: JsonObject,
    name: string,
    rule: { readonly required?: boolean } = {},
    prefix = "",
  ): JsonObject | undefined {
    const path = prefix + name;
    const value = from[name];
    if (value === undefined || value === null) {
      return rule.required === true ? this.add(path, `The ${said(path)} field is required.`) : undefined;
    }
    return isObject(value) ? value : this.add(path, `The ${said(path)} field must be an array.`);
  }

  private list(value: unknown, path: string): readonly unknown[] | undefined {
    if (value === undefined || value === null) return undefined;
    if (!Array.isArray(value)) return this.add(path, `The ${said(path)} field must be an array.`);
    if (value.length > MOST_ITEMS) {
      return this.add(path, `The ${said(path)} field must not have more than ${MOST_ITEMS} items.`);
    }
    return value;
  }

  private whole(path: string, value: unknown, { min, max }: IntegerRule): number | undefined {
    const number = typeof value === "string" && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
    if (!Number.isSafeInteger(number)) return this.add(path, `The ${said(path)} field must be an integer.`);
    const whole = number as number;
    if (min !== undefined && whole < min) return this.add(path, `The ${said(path)} field must be at least ${min}.`);
    if (max !== undefined && whole > max) {
      return this.add(path, `The ${said(path)} field must not be greater than ${max}.`);
    }
    return whole;
  }
}

/** Whether the database gives a text back as it was: not with a NUL, at which it would end, nor with half a character. */
export function isStorable(text: string): boolean {
  return !text.includes("\0") && text.isWellFormed();
}

const EVERY_UNSTORABLE = /[\0\p{Surrogate}]/gu;

/** The text, with the replacement character (U+FFFD) for each NUL and each half of a character. */
export function storable(text: string): string {
  return isStorable(text) ? text : text.replace(EVERY_UNSTORABLE, "\uFFFD");
}

/** How JSON writes a NUL, and half a character: it was read as UTF-8, and holds them in no other way. */
const ESCAPED_UNSTORABLE = /\\u(?:0000|d[89a-f])/i;

/**
 * As {@link storable}, for every text and every key in a JSON value.
 *
 * @param rawBody the JSON that the value is part of: where it has no escapes of those, there is nothing to look for
 */
export function storableJson(value: unknown, rawBody: string): unknown {
  // The search for a fixed text is many times as fast as that for a pattern.
  return rawBody.includes(String.raw`\u`) && ESCAPED_UNSTORABLE.test(rawBody) ? storableValue(value) : value;
}

function storableValue(value: unknown): unknown {
  if (typeof value === "string") return storable(value);
  if (Array.isArray(value)) return value.map(storableValue);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [storable(key), storableValue(item)]));
}

/** Whether a name is one that clients resolve away when it stands in a path. */
export function isDots(name: string): boolean {
  return name === "." || name === "..";
}

const MOST_ITEMS = 1000;

/** How messages name a field. */
function said(path: string): string {
  return path.replaceAll("_", " ");
}

/** 422, for one field or several. */
export function invalid(message: string, errors: Readonly<Record<string, readonly string[]>>): ReplyError {
  return new ReplyError(422, { message, reason: "validation_failed", errors, validation_errors: errors });
}

/** 422 for one field. */
export function invalidField(name: string, message: string): ReplyError {
  return invalid(message, { [name]: [message] });
}

export { isObject };
