// Restate's service; its SDK wants Node 22.
import * as restate from "@restatedev/restate-sdk";

const service = restate.service({
  name: "chain",
  handlers: {
    greet: async (_context, name) => `Hello, ${name}`,
    size: async (_context, text) => text.length,
  },
});
const port = await restate.serve({ services: [service], port: 0 });
console.log(`ready ${port}`);
