import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadAuthorizers } from "./file.js";

const folder = mkdtempSync(join(tmpdir(), "authorizers-file-"));
afterAll(() => rmSync(folder, { recursive: true }));

const load = (document: unknown, environment = {}): ReturnType<typeof loadAuthorizers> => {
  const path = join(folder, "authorizers.json");
  writeFileSync(path, typeof document === "string" ? document : JSON.stringify(document));
  return loadAuthorizers(path, { environment });
};
const request = {
  authRef: "wall",
  method: "POST",
  url: new URL("https://lamps.example/"),
  headers: {},
  body: "{}",
  refused: undefined,
  signal: new AbortController().signal,
} as const;

describe("a file of authorizers", () => {
  it("makes each kind, and several as one, with paths from its own folder", async () => {
    writeFileSync(join(folder, "secret"), "file-s3cret\n");
    const sources = '{"access_key_id":{"env":"A"},"secret_access_key":{"file":"secret"},"session_token":{"env":"S"}}';
    const { lambda, key, both, google } = await load(
      {
        lambda: { type: "aws_sigv4", region: "eu-central-1", credentials: JSON.parse(sources) as unknown },
        key: {
          type: "headers",
          headers: { "X-Key": { file: "secret", prefix: "K " } },
          origins: ["https://a.example"],
        },
        both: [
          { type: "headers", headers: { one: { env: "A" } } },
          { type: "headers", headers: { two: { env: "S" } } },
        ],
        google: JSON.parse('{"type":"google_id_token","audience":"a","key_file":"none.json"}') as unknown,
      },
      { A: "AKID", S: "session" },
    );
    expect((await lambda?.authorize(request))?.headers).toMatchObject({
      authorization: expect.stringContaining("Credential=AKID/") as unknown,
      "x-amz-security-token": "session",
    });
    expect(await key?.authorize(request)).toEqual({ headers: { "x-key": "K file-s3cret" }, secrets: ["file-s3cret"] });
    expect(key?.origins).toEqual(["https://a.example"]);
    expect((await both?.authorize(request))?.headers).toEqual({ one: "AKID", two: "session" });
    await expect(google?.authorize(request)).rejects.toThrow("keyFile cannot be read");
  });

  const from = (entry: string): string => `{"w":${entry}}`;
  it.each<[string, string]>([
    ["[]", "the authorizers file must be an object of authorizers by auth_ref"],
    ["{s3cret", "the authorizers file is not a JSON document"],
    [from('"s3cret"'), "w must be an object with a type, or a list of such"],
    [from("[]"), "w: allOf needs at least one authorizer"],
    [from('{"type":"basic"}'), "w.type must be one of aws_sigv4, google_id_token, headers"],
    [from('{"type":"aws_sigv4"}'), "w: region must be given"],
    [from('{"type":"aws_sigv4","region":7}'), "w.region must be a non-empty string"],
    [from('{"type":"aws_sigv4","regoin":"a"}'), "w.regoin is no known field; there are type, region, service"],
    [
      from('{"type":"aws_sigv4","region":"a","credentials":{"secret":{"env":"A"}}}'),
      "w.credentials.secret is no known",
    ],
    [
      from('{"type":"aws_sigv4","region":"a","credentials":{"access_key_id":{"env":"A"}}}'),
      "w: credentials.secretAccessKey",
    ],
    [
      from('{"type":"aws_sigv4","region":"a","credentials":{"access_key_id":"s3cret"}}'),
      'w.credentials.access_key_id must be {"env": NAME} or {"file": PATH}: no secret is written into this file',
    ],
    [from('{"type":"google_id_token","header":"x"}'), "w: header must be authorization or x-serverless-authorization"],
    [from('{"type":"google_id_token","key_file":""}'), "w.key_file must be a non-empty string"],
    [from('{"type":"google_id_token","origins":"https://a.example"}'), "w.origins must be a list of origins"],
    [from('{"type":"headers"}'), "w: headers must name at least one header"],
    [from('{"type":"headers","headers":{"a":"s3cret"}}'), "w.headers.a must be {"],
    [from('{"type":"headers","headers":{"a":{"value":"s3cret"}}}'), "w.headers.a.value is no known field"],
    [from('{"type":"headers","headers":{"a":{"env":"A","prefix":7}}}'), "w: headers.a.prefix must be"],
    [from('[{"type":"headers","headers":{"a":{"env":""}}}]'), "w[0].headers.a.env must be a non-empty string"],
  ])("%s is refused by the name of its field", async (text, message) => {
    const error: unknown = await load(text).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain(message);
    expect(String(error)).not.toContain("s3cret");
  });

  it("that cannot be read is told as such", async () => {
    await expect(loadAuthorizers(join(folder, "none.json"))).rejects.toThrow(
      "the authorizers file cannot be read: there is no such file or folder",
    );
  });
});
