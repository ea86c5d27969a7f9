import { ClientError } from "@durable-workflow/client";
import { expect, it } from "vitest";
import { asCliErrors } from "./client-errors.js";

async function cliErrorOf(error: ClientError): Promise<unknown> {
  try {
    return await asCliErrors({ source: "flag" }, async () => {
      throw error;
    });
  } catch (told) {
    return told;
  }
}

it("tells a start whose answer was lost as the start, by why it could not be looked for", async () => {
  const cause = new ClientError(
    "unreachable",
    "describing a-1: the engine at http://a.test cannot be reached ($&).",
    {},
  );
  const told =
    "starting greet: the answer was lost, and whether a-1 is there is not known. The error's handle can look for it.";
  expect(await cliErrorOf(new ClientError("start_unknown", told, { cause, mayHaveActed: true }))).toMatchObject({
    message: "starting greet: the engine at http://a.test cannot be reached ($&).",
    hint: expect.stringContaining("It may have done all the same what was asked"),
  });
});

it.each([
  ["already_running", "with another --id"],
  ["unsupported_version", "dw-carrier doctor"],
  ["queue_draining", "dw-carrier resume"],
] as const)("says of %s what can be done", async (code, hint) => {
  const error = new ClientError(code, "starting greet: no");
  expect(await cliErrorOf(error)).toMatchObject({ message: error.message, hint: expect.stringContaining(hint) });
});
