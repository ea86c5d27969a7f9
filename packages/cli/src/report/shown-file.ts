import { isAbsolute, relative, sep } from "node:path";

/** A path as a person would write it where the command runs. */
export function shownFile(path: string, cwd: string): string {
  const near = relative(cwd, path);
  // On another drive of Windows there is no way from here to there.
  const isElsewhere = near === ".." || near.startsWith(`..${sep}`) || isAbsolute(near);
  return isElsewhere ? path : near;
}
