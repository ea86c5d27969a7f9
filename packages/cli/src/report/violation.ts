/** One thing wrong with a document. */
export interface Violation {
  /** Where, as in `task.attempt`; empty for the document itself. */
  readonly path: string;
  readonly message: string;
  /** The contract's name for it, where there is one. */
  readonly code: string | null;
}

export function violationLine({ path, message, code }: Violation): string {
  const where = path === "" ? "" : `${path}: `;
  return `${code === null ? "" : `${code} `}${where}${message}`;
}
