/** Turns of the event loop without anything new: a connection is taken in one, read in the next, and answered in a third. */
const QUIET_TURNS = 3;
/** A client that sends slowly holds nothing up for longer. */
const LONGEST_MS = 1000;

/** Knows whether requests are on their way in. */
export class Arrivals {
  private receiving = 0;
  private begun = 0;

  /** A request has begun to come in. The function returned says that it has been read. */
  begin(): () => void {
    this.begun++;
    this.receiving++;
    let isRead = false;
    return () => {
      if (isRead) return;
      isRead = true;
      this.receiving--;
    };
  }

  /** Waits until what has reached this machine so far has been read, and handed to its routes. */
  async quiet(): Promise<void> {
    const since = performance.now();
    for (let turns = 0; turns < QUIET_TURNS; ) {
      const { begun } = this;
      await nextTurn();
      const isBusy = begun !== this.begun || this.receiving > 0;
      if (isBusy && performance.now() - since > LONGEST_MS) return;
      turns = isBusy ? 0 : turns + 1;
    }
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
