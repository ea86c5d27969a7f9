import type { HistoryEvent, StartRequest } from "@durable-workflow/engine-protocol/control";
import { Client } from "@durable-workflow/test-support/engine-client";
import { ControlPlane } from "../../src/engine/control-plane.js";
import { type ActivityStory, tellStory } from "../../src/engine/story.js";
import { HttpClient } from "../../src/net/http-client.js";
import type { Recorded } from "./audit.js";

/** An engine's control plane: as it is on the wire, and as the commands read it. */
export class ControlClient {
  private readonly wire: Client;
  private readonly commands: ControlPlane;

  constructor(url: string) {
    this.wire = new Client(url);
    const connection = {
      url,
      token: undefined,
      namespace: "default",
      tlsVerify: true,
      taskQueue: "default",
      source: "flag",
    } as const;
    this.commands = new ControlPlane(connection, new HttpClient({ env: {} }));
  }

  async start(request: StartRequest): Promise<void> {
    await this.wire.started(request.activity_type, request.task_queue, request);
  }

  /** All that the engine says of an activity. */
  async describe(id: string): Promise<Recorded> {
    return (await this.wire.describe(id)) as Recorded;
  }

  /** The history of its run, and what `show` makes of both. */
  async told(
    id: string,
    runId: string,
  ): Promise<{ readonly history: readonly HistoryEvent[]; readonly story: ActivityStory }> {
    const history = await this.commands.history(id, runId);
    return { history, story: tellStory(await this.commands.describe(id), history) };
  }

  /** Ids of the activities that have not ended. */
  async open(): Promise<readonly string[]> {
    const ids: string[] = [];
    let token: string | null = null;
    do {
      const next: string = token === null ? "" : `&next_page_token=${encodeURIComponent(token)}`;
      const { body } = await this.wire.call("GET", `/api/activities?status=running&page_size=200${next}`);
      for (const { activity_id: id } of body.activities) ids.push(id);
      token = body.next_page_token;
    } while (token !== null);
    return ids;
  }
}
