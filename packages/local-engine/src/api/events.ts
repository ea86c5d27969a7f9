import { PATHS } from "@durable-workflow/engine-protocol";
import type { Call, StreamReply } from "../http/call.js";
import type { Route } from "../http/router.js";
import { feedEventToWire } from "../wire/feed.js";
import { type ApiParts, CONTROL_ROLES } from "./parts.js";

const BEAT_MS = 15_000;

/**
 * `GET /api/events`: what happens to a namespace's activities, as server-sent events, from now on. For those who watch;
 * nothing is repeated, and no payload is part of it. This engine's own addition.
 */
export function eventRoutes(parts: ApiParts, streams: Set<() => void>): readonly Route[] {
  return [
    {
      method: "GET",
      pattern: PATHS.events,
      plane: "control",
      roles: CONTROL_ROLES,
      // A browser's EventSource can send no headers of its own.
      needsVersion: false,
      handle: (call) => follow(parts, call, streams),
    },
  ];
}

function follow({ context }: ApiParts, { namespace }: Call, streams: Set<() => void>): StreamReply {
  return {
    stream(write, end) {
      if (context.feed.isOver) {
        end();
        return () => {};
      }
      write(": connected\n\n");
      const unsubscribe = context.feed.subscribe((event) => {
        if (event.run.namespace === namespace) write(feedEventToWire(event));
      });
      // Keeps what is in between from taking a quiet stream for a dead one.
      let cancelBeat: (() => void) | undefined;
      const beat = (): void => {
        cancelBeat = context.clock.schedule(BEAT_MS, () => {
          if (write(": still here\n\n")) beat();
        });
      };
      beat();
      streams.add(end);
      return () => {
        streams.delete(end);
        unsubscribe();
        cancelBeat?.();
      };
    },
  };
}
