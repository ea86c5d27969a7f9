// Azure's host, as far as it is needed: what it sends is made of lines from standard input, and what it would send back is
// written to standard output. Requests and answers are of the library's own classes.
import { createInterface } from "node:readline";
import azure from "@azure/functions";

const { HttpRequest, HttpResponse, InvocationContext } = azure;

export async function answerLines(handler) {
  for await (const line of createInterface({ input: process.stdin })) void answer(handler, JSON.parse(line));
}

async function answer(handler, { id, path, method, headers, body }) {
  const bytes = body === null ? undefined : { bytes: Buffer.from(body, "base64") };
  const request = new HttpRequest({
    url: `https://carrier.test${path}`,
    method,
    headers,
    ...(bytes && method !== "GET" && method !== "HEAD" && { body: bytes }),
  });
  if (path === "/read") await request.text();
  const context = new InvocationContext({ functionName: "tasks", invocationId: id });
  const response = new HttpResponse(await handler(request, context));
  const text = await response.text();
  process.stdout.write(
    `${JSON.stringify({ id, status: response.status, headers: Object.fromEntries(response.headers), body: text })}\n`,
  );
}
