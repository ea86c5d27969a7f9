import { clientCases } from "./client-cases.mjs";

export default {
  async fetch(request) {
    const { searchParams } = new URL(request.url);
    return Response.json(await clientCases(searchParams.get("engine"), searchParams.get("closed")));
  },
};
