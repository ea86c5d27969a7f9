import type { Command } from "../shell/command.js";
import { backup } from "./backup.js";
import { check } from "./check.js";
import { completion } from "./completion.js";
import { conformance } from "./conformance.js";
import { dev } from "./dev.js";
import { dispatch } from "./dispatch.js";
import { doctor } from "./doctor.js";
import { drain, resume } from "./drain.js";
import { engine } from "./engine.js";
import { init } from "./init.js";
import { inspect } from "./inspect.js";
import { invoke } from "./invoke.js";
import { list } from "./list.js";
import { mcp } from "./mcp.js";
import { overview } from "./overview.js";
import { retry } from "./retry.js";
import { serve } from "./serve.js";
import { show } from "./show.js";
import { start } from "./start.js";
import { cancel, terminate } from "./stop.js";
import { tail } from "./tail.js";
import { ui } from "./ui.js";

/** Every command, in the order in which they are listed. */
export const commands: readonly Command[] = [
  init,
  dev,
  engine,
  start,
  list,
  show,
  tail,
  retry,
  cancel,
  terminate,
  overview,
  ui,
  mcp,
  drain,
  resume,
  backup,
  serve,
  dispatch,
  check,
  invoke,
  inspect,
  conformance,
  doctor,
  completion(() => commands),
];
