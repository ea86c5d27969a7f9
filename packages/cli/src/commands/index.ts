import type { Command } from "../command.js";
import { dev } from "./dev.js";
import { list } from "./list.js";
import { serve } from "./serve.js";
import { show } from "./show.js";
import { start } from "./start.js";
import { cancel, terminate } from "./stop.js";

/** Every command, in the order in which they are listed. */
export const commands: readonly Command[] = [serve, dev, start, list, show, cancel, terminate];
