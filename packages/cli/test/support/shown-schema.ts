/**
 * What the start form of an engine's page is shown of the arguments of a type: the text of a JSON Schema, null for nothing.
 * Undefined while the type is not known.
 */
export async function shownSchema(engineUrl: unknown, type: string): Promise<string | null | undefined> {
  const response = await fetch(new URL("/inspect/types", String(engineUrl)));
  const { types } = (await response.json()) as {
    readonly types: readonly { readonly type: string; readonly inputSchema: string | null }[];
  };
  return types.find((one) => one.type === type)?.inputSchema;
}
