import { nodeInvocableActivityHandler } from "@durable-workflow/carrier/node";
import { handlersWith, options } from "../../../carrier.mjs";

export const config = { api: { bodyParser: { sizeLimit: "3mb" }, externalResolver: true } };

export default nodeInvocableActivityHandler(handlersWith(String), options);
