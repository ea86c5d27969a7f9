// Runs a function, netlify.mjs unless argv names a file, in Netlify's own library, which makes a function for Lambda of it: events go in, made of HTTP requests, and
// what it streams back is the answer. Lambda's half of the streaming is these lines.
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";

globalThis.awslambda = {
  streamifyResponse: (handler) => handler,
  HttpResponseStream: {
    from(response, { statusCode, headers, multiValueHeaders }) {
      response.writeHead(statusCode, { ...headers, ...multiValueHeaders });
      return response;
    },
  },
};
const { getLambdaHandler } = await import("@netlify/serverless-functions-api");
const handler = getLambdaHandler(new URL(process.argv[2] ?? "netlify.mjs", import.meta.url).href);

const context = { awsRequestId: "1", clientContext: {}, getRemainingTimeInMillis: () => 26_000 };
const server = createServer(async (request, response) => {
  const { method, url, headers } = request;
  const body = await buffer(request);
  const event = {
    rawUrl: `http://127.0.0.1:${server.address().port}${url}`,
    path: url,
    httpMethod: method,
    headers,
    ...(body.length > 0 && { body: body.toString("base64") }),
    isBase64Encoded: true,
  };
  await handler(event, response, context).catch((error) => response.destroy(error));
});
server.listen(0, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}/tasks`));
