import type { Command } from "../command.js";
import { check } from "./check.js";
import { dev } from "./dev.js";
import { dispatch } from "./dispatch.js";
import { list } from "./list.js";
import { serve } from "./serve.js";
import { show } from "./show.js";
import { start } from "./start.js";
import { cancel, terminate } from "./stop.js";

/** Every command, in the order in which they are listed. */
export const commands: readonly Command[] = [dev, start, list, show, cancel, terminate, serve, dispatch, check];
