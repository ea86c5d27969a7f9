import type { JsonValue } from "@durable-workflow/carrier/payload";
import {
  type RuntimePayloadReference,
  readRuntimePayloadEnvelope,
} from "@durable-workflow/engine-protocol/external-payloads";
import type { ActivityStory } from "./story.js";

/** The parts of a story that may lie with the engine, and not in its answers. */
export const STORY_PARTS = ["arguments", "result", "details"] as const;
export type StoryPart = (typeof STORY_PARTS)[number];

/** What a part of the story says: the value, or an envelope with a reference to it. */
export function partOf(story: ActivityStory, part: StoryPart): JsonValue {
  return part === "details" ? (story.failure?.details ?? null) : story[part];
}

/** The reference that a value of a story is; undefined for every other value. */
export function referenceIn(value: JsonValue): RuntimePayloadReference | undefined {
  return readRuntimePayloadEnvelope(value).reference;
}

export interface StoryReference {
  readonly part: StoryPart;
  readonly reference: RuntimePayloadReference;
}

/** All that a story refers to. */
export function referencesOf(story: ActivityStory): readonly StoryReference[] {
  return STORY_PARTS.flatMap((part) => {
    const reference = referenceIn(partOf(story, part));
    return reference === undefined ? [] : [{ part, reference }];
  });
}
