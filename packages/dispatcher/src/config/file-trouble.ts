/** By the codes of the system. */
const WORDS: Readonly<Record<string, string>> = {
  EACCES: "this user may not do that",
  EBUSY: "something else has it open",
  EDQUOT: "the disk quota of this user is used up",
  EEXIST: "something of that name is there already",
  EISDIR: "it is a folder",
  ELOOP: "its links lead in a circle",
  EMFILE: "this process has too many files open",
  ENAMETOOLONG: "the name is too long",
  ENFILE: "the system has too many files open",
  ENOENT: "there is no such file or folder",
  ENOSPC: "there is no space left on the disk",
  ENOTDIR: "a part of its path is a file",
  EPERM: "the system does not allow that",
  EROFS: "the disk is read-only",
};

/**
 * Why a file or a folder could not be used, in words, for the end of a sentence: `there is no such file or folder`. What has no
 * words here is told by the code of the system.
 */
export function fileTrouble(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  return WORDS[code] ?? `the system says ${code}`;
}
