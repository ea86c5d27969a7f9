/** A contract as it is named wherever it is published: by schema and version. */
export interface PublishedContract {
  readonly schema: string;
  readonly version: number;
}
