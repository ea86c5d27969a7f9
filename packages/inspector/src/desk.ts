import type { AvroValue } from "@durable-workflow/carrier/payload";
import { textAt } from "@durable-workflow/engine-protocol";
import { Actions } from "./action/actions.js";
import { API_VERSION, type Capabilities, type CarrierState, type Overview, type TypeList } from "./api/index.js";
import { EngineCalls } from "./engine/engine-calls.js";
import { LocalSource } from "./engine/local-source.js";
import { ServerSource } from "./engine/server-source.js";
import type { Source } from "./engine/source.js";
import type { EngineTransport } from "./engine/transport.js";
import { Hub } from "./live/hub.js";
import { PayloadReader } from "./payload/payload-reader.js";

export interface DeskOptions {
  readonly transport: EngineTransport;
  readonly engineUrl: string;
  readonly namespace: string;
  readonly servedBy: Capabilities["servedBy"];
  readonly commandOptions: string;
  readonly isReadOnly: boolean;
  readonly parseArguments: (text: string) => readonly AvroValue[];
  readonly explain: (document: unknown) => string | null;
  readonly carriers: (() => readonly CarrierState[]) | undefined;
}

interface Known {
  readonly source: Source;
  readonly engineVersion: string | null;
  readonly protocolVersion: string | null;
}

/** All that answers are made with: the engine, what is known of it, and those who watch it. */
export class Desk {
  readonly calls: EngineCalls;
  readonly payloads: PayloadReader;
  readonly hub: Hub;
  private readonly options: DeskOptions;
  private known: Known | undefined;

  constructor(options: DeskOptions) {
    this.options = options;
    this.calls = new EngineCalls(options.transport);
    this.payloads = new PayloadReader(this.calls);
    this.hub = new Hub({ source: () => this.source(), overview: () => this.overview() });
  }

  explain(document: unknown): string | null {
    return this.options.explain(document);
  }

  /** @throws {Problem} while the engine was never reached */
  async source(): Promise<Source> {
    return (await this.learn()).source;
  }

  async actions(): Promise<Actions> {
    const { parseArguments, commandOptions, isReadOnly } = this.options;
    const { calls, payloads } = this;
    return new Actions({
      calls,
      payloads,
      source: await this.source(),
      parseArguments,
      connection: commandOptions,
      isReadOnly,
    });
  }

  async overview(): Promise<Overview> {
    const overview = await (await this.source()).overview();
    return { ...overview, carriers: this.options.carriers?.() ?? null };
  }

  async types(): Promise<TypeList> {
    return (await this.source()).types();
  }

  async capabilities(): Promise<Capabilities> {
    const { engineUrl, namespace, servedBy, commandOptions, isReadOnly, carriers } = this.options;
    const { source, engineVersion, protocolVersion } = await this.learn();
    return {
      asOf: await source.now(),
      apiVersion: API_VERSION,
      kind: source.kind,
      engineUrl,
      namespace,
      engineVersion,
      protocolVersion,
      servedBy,
      isReadOnly,
      features: { ...source.features, carriers: carriers !== undefined },
      notes: source.notes,
      commandOptions,
    };
  }

  close(): void {
    this.hub.close();
  }

  /** What kind of engine it is, asked once it answers. */
  private async learn(): Promise<Known> {
    if (this.known !== undefined) return this.known;
    const info = await this.calls.clusterInfo();
    const isLocal = info.capabilities?.inspection === true;
    this.known = {
      source: isLocal ? new LocalSource(this.calls, this.options.transport) : new ServerSource(this.calls),
      engineVersion: textAt(info, "version") ?? null,
      protocolVersion: textAt(info, "worker_protocol", "version") ?? null,
    };
    return this.known;
  }
}
