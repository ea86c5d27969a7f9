import { describe, expect, it } from "vitest";
import { Secrets } from "./secrets.js";

const TOKEN = "lamp-s3cret/+=token";
const secrets = new Secrets();
secrets.add(TOKEN);
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const fromBase64 = (text: string): string => Buffer.from(text, "base64").toString();

describe("a credential in what others say", () => {
  it.each([
    ["as it is", `sent Bearer ${TOKEN} along`],
    ["percent-encoded", `?token=${encodeURIComponent(TOKEN)}&x=1`],
    ["in hexadecimal", `dump: ${Buffer.from(TOKEN).toString("hex")}.`],
  ])("%s is replaced", (_, text) => {
    expect(secrets.scrub(text)).toContain("[redacted]");
    expect(secrets.scrub(text)).not.toContain("s3cret");
    expect(secrets.scrub(secrets.scrub(text))).toBe(secrets.scrub(text));
  });

  it.each(["", "x", "xy", "xyz", "Bearer ", "user:"])("in base64 after %j is replaced", (before) => {
    for (const after of ["", "z", "zz", "zzz"]) {
      for (const text of [base64(before + TOKEN + after), Buffer.from(before + TOKEN + after).toString("base64url")]) {
        const clean = secrets.scrub(`it said ${text}!`);
        expect(clean).toContain("[redacted]");
        // What is left of it at the ends is a digit on each side at most.
        expect(clean.length).toBeLessThan(
          "it said [redacted]!".length + base64(before).length + base64(after).length + 6,
        );
      }
    }
  });

  it("inside a payload is replaced in its place, in every form, and nothing else is", () => {
    const held = [`a ${TOKEN} b`, base64(`Bearer ${TOKEN}`), encodeURIComponent(TOKEN)].join("|");
    const clean = fromBase64(secrets.scrubBase64(base64(held)));
    expect(clean).toHaveLength(held.length);
    expect(clean).not.toContain("s3cret");
    expect(clean).toMatch(/^a \[redacted\]\*+ b\|/);
    const other = base64("nothing to see");
    expect(secrets.scrubBase64(other)).toBe(other);
  });

  it("that is too short to be told from a word stays", () => {
    const short = new Secrets();
    short.add("lamp");
    expect(short.scrub("the lamp")).toBe("the lamp");
  });
});
