import { setTimeout as sleep } from "node:timers/promises";
import { buildTaskInput } from "@durable-workflow/carrier/testing";
import { NoAnswer } from "../net/exchange.js";
import { type CarrierUnderTest, sendRequest } from "./send.js";

/** How long after an answer was missed the carrier is asked whether it is there; one that is started anew has come back. */
const ASKED_AFTER_MS = [0, 500, 1500];

/** Whether the carrier under test still is there, found out once an answer was missed. */
export class CarrierLife {
  readonly #carrier: CarrierUnderTest;
  #goneAfter: string | null = null;
  #asking: Promise<boolean> | undefined;

  constructor(carrier: CarrierUnderTest) {
    this.#carrier = carrier;
  }

  /** The id of the case after which nothing was answered any more; null while the carrier is there. */
  get goneAfter(): string | null {
    return this.#goneAfter;
  }

  /**
   * Asks, because the case of that id was not answered, with a request that any carrier answers.
   *
   * @throws {NoAnswer} (as a rejection) when the test was interrupted
   */
  async isGoneAfter(id: string): Promise<boolean> {
    this.#asking ??= this.#answersNothing().finally(() => {
      this.#asking = undefined;
    });
    if (await this.#asking) this.#goneAfter ??= id;
    return this.#goneAfter !== null;
  }

  async #answersNothing(): Promise<boolean> {
    for (const delay of ASKED_AFTER_MS) {
      await sleep(delay);
      const document = buildTaskInput({
        activityType: "conformance.echo",
        args: [1],
        taskId: "conformance-still-there",
      });
      try {
        await sendRequest({ document }, this.#carrier);
        return false;
      } catch (error) {
        if (!(error instanceof NoAnswer) || error.why === "aborted") throw error;
        // One that hangs was waited for long enough.
        if (error.why === "timeout") return true;
      }
    }
    return true;
  }
}
