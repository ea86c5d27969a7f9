import type { Transport } from "@durable-workflow/client";
import type { CliIo } from "../shell/command.js";
import { Agents, type TlsSettings } from "./agents.js";
import { clientTransport } from "./client-transport.js";
import { type Answer, exchange, type OutgoingRequest } from "./exchange.js";

/**
 * The one way to others: every request of a command is made here, by the proxies of the command's environment. Answers are
 * bounded in time and size. Redirects are not followed, and nothing is repeated.
 */
export class HttpClient {
  private readonly agents: Agents;

  constructor({ env }: Pick<CliIo, "env">) {
    this.agents = new Agents(env);
  }

  /**
   * Sends one request exactly as it is given.
   *
   * @throws {NoAnswer} (as a rejection) when there is no whole answer
   * @throws {CliError} (as a rejection) with exit code 78 for a proxy that cannot be used
   */
  async exchange(url: URL, outgoing: OutgoingRequest, tls: TlsSettings = {}): Promise<Answer> {
    return exchange(url, outgoing, this.agents.agentFor(url, tls));
  }

  /**
   * By which the client reaches an engine.
   *
   * @throws {CliError} with exit code 78 for a proxy that cannot be used
   */
  transport(url: URL, tls: TlsSettings = {}): Transport {
    return clientTransport(this.agents.agentFor(url, tls));
  }
}
