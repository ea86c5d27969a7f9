import { PATHS } from "@durable-workflow/engine-protocol";
import { Broadcast } from "../http/broadcast.js";
import { type Call, type Reply, type StreamReply } from "../http/call.js";
import type { Route } from "../http/router.js";
import { unavailable } from "../http/unavailable.js";
import { feedEventToWire } from "../wire/feed.js";
import { type ApiParts, CONTROL_ROLES } from "./parts.js";

const BEAT_MS = 15_000;

/**
 * `GET /api/events`: what happens to a namespace's activities, as server-sent events, from now on. For those who watch;
 * nothing is repeated, and no payload is part of it. This engine's own addition.
 *
 * @param streams ends of the streams that are open
 */
export function eventRoutes(parts: ApiParts, streams: Set<() => void>): readonly Route[] {
  const watched = new Watched(parts, streams);
  return [
    {
      method: "GET",
      pattern: PATHS.events,
      plane: "control",
      roles: CONTROL_ROLES,
      // A browser's EventSource can send no headers of its own.
      needsVersion: false,
      handle: (call) => watched.follow(call),
    },
  ];
}

/** The namespaces that are watched, each with one stream for all its readers. */
class Watched {
  private readonly parts: ApiParts;
  private readonly streams = new Map<string, Broadcast>();
  private unsubscribe: (() => void) | undefined;
  private cancelBeat: () => void = () => {};

  constructor(parts: ApiParts, ends: Set<() => void>) {
    this.parts = parts;
    ends.add(() => {
      this.end();
    });
  }

  follow({ namespace }: Call): Reply | StreamReply {
    const { maxEventReaders } = this.parts.options;
    if (this.readers >= maxEventReaders) {
      const message = `The events have ${maxEventReaders} readers already; come back later, or read the activities instead.`;
      return unavailable("too_many_event_readers", message);
    }
    return {
      join: (reader) => {
        if (this.parts.context.feed.isOver) {
          reader.end();
          return () => {};
        }
        reader.write(": connected\n\n");
        this.streamOf(namespace).add(reader);
        this.listen();
        return () => {
          this.leave(namespace, reader);
        };
      },
    };
  }

  private get readers(): number {
    let readers = 0;
    for (const stream of this.streams.values()) readers += stream.size;
    return readers;
  }

  private streamOf(namespace: string): Broadcast {
    const stream = this.streams.get(namespace) ?? new Broadcast({ onLetGo: this.tellLetGo });
    this.streams.set(namespace, stream);
    return stream;
  }

  private readonly tellLetGo = (readers: number): void => {
    this.parts.context.logger.warn({ readers }, "There are too many readers for so many events; some were let go.");
  };

  private leave(namespace: string, reader: Parameters<StreamReply["join"]>[0]): void {
    this.streams.get(namespace)?.delete(reader);
    if (this.streams.get(namespace)?.size === 0) this.streams.delete(namespace);
    if (this.streams.size === 0) this.stop();
  }

  private listen(): void {
    if (this.unsubscribe !== undefined) return;
    this.unsubscribe = this.parts.context.feed.subscribe((event) => {
      this.streams.get(event.run.namespace)?.send(feedEventToWire(event));
    });
    this.beat();
  }

  /** Keeps what is in between from taking a quiet stream for a dead one. */
  private beat(): void {
    this.cancelBeat = this.parts.context.clock.schedule(BEAT_MS, () => {
      for (const stream of this.streams.values()) {
        stream.send(": still here\n\n");
        stream.flush();
      }
      this.beat();
    });
  }

  private stop(): void {
    this.unsubscribe?.();
    this.unsubscribe = undefined;
    this.cancelBeat();
  }

  private end(): void {
    for (const stream of this.streams.values()) stream.end();
    this.streams.clear();
    this.stop();
  }
}
