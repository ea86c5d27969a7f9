import type { Command } from "../command.js";
import { serve } from "./serve.js";

/** Every command, in the order in which they are listed. */
export const commands: readonly Command[] = [serve];
