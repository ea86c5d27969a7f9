// Stands in for rapid-client.node of aws-lambda-ric, which is compiled when it is installed: the same four calls, over
// node:http, to the same Runtime API. Everything else of the runtime client is the real one.
const http = require("node:http");
const Module = require("node:module");

const api = process.env.AWS_LAMBDA_RUNTIME_API;
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method, path, body, headers) {
  return new Promise((resolve, reject) => {
    const request = http.request(`http://${api}/2018-06-01/runtime/invocation/${path}`, { method, headers, agent });
    request.once("error", reject);
    request.once("response", (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.once("end", () => resolve({ headers: response.headers, bodyJson: Buffer.concat(chunks).toString() }));
    });
    request.end(body);
  });
}

/** Answers go out in order: the next invocation is asked for behind the last one's answer. */
let last = Promise.resolve();
const client = {
  initializeClient() {},
  next: () => last.then(() => call("GET", "next")),
  done(id, body) {
    last = call("POST", `${id}/response`, body, { "content-type": "application/json" });
  },
  error(id, body) {
    last = call("POST", `${id}/error`, body, { "content-type": "application/json" });
  },
};

const load = Module._load;
Module._load = function (request, ...rest) {
  return request.endsWith("rapid-client.node") ? client : load.call(this, request, ...rest);
};
