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

describe("a secret that is held", () => {
  it("is known until everybody has let it go, and one that was added stays", () => {
    const held = new Secrets();
    held.add("stays-s3cret");
    const [first, second, third] = [
      held.hold("passing-s3cret"),
      held.hold("passing-s3cret"),
      held.hold("stays-s3cret"),
    ];
    const text = `passing-s3cret ${Buffer.from("passing-s3cret").toString("base64")} stays-s3cret`;
    expect(held.scrub(text)).toBe("[redacted] [redacted]Q= [redacted]");
    first?.();
    third?.();
    expect(held.scrub(text)).not.toContain("s3cret");
    second?.();
    expect(held.scrub("passing-s3cret stays-s3cret")).toBe("passing-s3cret [redacted]");
  });

  it("is found with others within and around it, whatever came first", () => {
    const held = new Secrets();
    const letGo = ["long-secret", "long-secret-longer", "secret"].map((secret) => held.hold(secret));
    expect(held.scrub("a long-secret-longer b long-secret c secret")).toBe("a [redacted] b [redacted] c [redacted]");
    for (const end of letGo) end();
    expect(held.scrub("a long-secret-longer")).toBe("a long-secret-longer");
  });
});
