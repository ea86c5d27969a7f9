/** What each of the two makes of each probe, as the names of the errors; empty for a config that it takes. */
export interface Verdict {
  readonly dispatcher: readonly string[];
  readonly engine: readonly string[];
  /** Why they differ. Where they do not, there is none. */
  readonly because?: string;
}

const same = (...names: readonly string[]): Verdict => ({ dispatcher: names, engine: names });

/** The engine is as lenient as the server is: it reads what it hands out, and passes over the rest. */
const SCHEMA = "a dispatcher holds the whole file to the published schema; an engine reads only what it hands out";
const DELIVERY = "only who delivers must know how: an engine hands the mapping out and calls nobody";
const FIRST_FAULT = "an engine stops at carriers that it cannot read; a dispatcher goes on to the mappings";
const NAMED = "the contract has no name for it of its own: each has its word, and both refuse";
const UNUSED = "an engine checks the references that mappings use; a dispatcher checks the defaults too";

export const VERDICTS: Readonly<Record<string, Verdict>> = {
  "a good config": same(),
  "a text": same("invalid_schema"),
  "another schema": same("invalid_schema"),
  "version 2": same("unsupported_version"),
  "a top field that the schema does not know": { dispatcher: ["invalid_schema"], engine: [], because: SCHEMA },
  "no carriers": { dispatcher: ["invalid_schema", "unknown_carrier"], engine: ["unknown_carrier"], because: SCHEMA },
  "carriers as a list": {
    dispatcher: ["invalid_schema", "unknown_carrier"],
    engine: ["invalid_schema"],
    because: FIRST_FAULT,
  },
  "no mappings": { dispatcher: ["invalid_schema"], engine: [], because: SCHEMA },
  "mappings as an object": same("invalid_schema"),
  "a mapping that is a text": same("invalid_schema"),
  "a mapping without a name": same("invalid_schema"),
  "a mapping without a handler": same("missing_handler_target"),
  "a mapping without an activity type": {
    dispatcher: ["invalid_queue_binding"],
    engine: ["invalid_schema"],
    because: NAMED,
  },
  "a mapping of a kind that does not exist": {
    dispatcher: ["invalid_invocable_carrier_scope", "invalid_schema", "unsupported_carrier_capability"],
    engine: ["invalid_invocable_carrier_scope", "unsupported_carrier_capability"],
    because: SCHEMA,
  },
  "a mapping field that the schema does not know": { dispatcher: ["invalid_schema"], engine: [], because: SCHEMA },
  "a mapping of a workflow to an HTTP carrier": same(
    "invalid_invocable_carrier_scope",
    "unsupported_carrier_capability",
  ),
  "a rollout of 120 per cent": { dispatcher: ["invalid_schema"], engine: [], because: SCHEMA },
  "a mapping timeout of a text": { dispatcher: ["invalid_schema"], engine: [], because: SCHEMA },
  "an unknown carrier": same("unknown_carrier"),
  "an unknown auth_ref of a mapping": same("unknown_auth_ref"),
  "an unknown auth_ref of the defaults that is used": same("unknown_auth_ref"),
  "an unknown auth_ref of the defaults that nothing uses": {
    dispatcher: ["unknown_auth_ref"],
    engine: [],
    because: UNUSED,
  },
  "no auth_ref for a target elsewhere": same("missing_invocable_auth_ref"),
  "no auth_ref for http://localhost/": same(),
  "no auth_ref for http://localhost./": same(),
  "no auth_ref for http://lamps.localhost./": same(),
  "no auth_ref for http://lamp_s.localhost/": same(),
  "no auth_ref for http://127.0.0.2/": same(),
  "no auth_ref for http://[::1]/": same(),
  "no auth_ref for https://localhost/": same("missing_invocable_auth_ref"),
  "no auth_ref for http://localhost.evil.example/": same("invalid_carrier_target", "missing_invocable_auth_ref"),
  "http to elsewhere": same("invalid_carrier_target"),
  "a URL with a password": same("invalid_carrier_target"),
  "no URL": same("invalid_carrier_target"),
  "method PUT": same("invalid_carrier_target"),
  "a timeout of 901 seconds": same("invalid_carrier_target"),
  "a timeout of 1.5 seconds": same("invalid_carrier_target"),
  "an HTTP carrier with another capability": same("invalid_invocable_carrier_scope"),
  "an HTTP carrier without capabilities": same("unsupported_carrier_capability"),
  "six attempts of transport": same("invalid_carrier_target"),
  "a pause of 301 seconds": same("invalid_carrier_target"),
  "retryable 404": same("invalid_carrier_target"),
  "a retry policy with an unknown field": { dispatcher: ["invalid_schema"], engine: [], because: SCHEMA },
  "a carrier type that does not exist": {
    dispatcher: ["invalid_carrier_target", "unsupported_carrier_type"],
    engine: ["invalid_schema"],
    because: NAMED,
  },
  "an activity for a queue service": { dispatcher: ["unsupported_carrier_type"], engine: [], because: DELIVERY },
  "a process without a command": { dispatcher: ["invalid_carrier_target"], engine: [], because: DELIVERY },
  "a process with a retry policy": { dispatcher: ["invalid_carrier_target"], engine: [], because: DELIVERY },
  "a process with a timeout of a day and a second": {
    dispatcher: ["invalid_carrier_target"],
    engine: [],
    because: DELIVERY,
  },
  "signed headers": { dispatcher: ["unsupported_auth_ref"], engine: [], because: DELIVERY },
  "an env reference without its variable": { dispatcher: ["unsupported_auth_ref"], engine: [], because: DELIVERY },
  "a key in the config": { dispatcher: ["unsupported_auth_ref"], engine: [], because: DELIVERY },
  "an auth_ref of a type that does not exist": { dispatcher: ["invalid_schema"], engine: [], because: SCHEMA },
  "two mappings of one name": same("duplicate_mapping_name"),
  "two mappings of one activity": same("invalid_queue_binding"),
  "no task queue": same("invalid_queue_binding"),
  "an overlay that does not exist": same("unknown_overlay"),
  "an overlay with a good URL": same(),
  "an overlay with a bad URL": same("invalid_carrier_target"),
  "an overlay, not applied, with an unknown field": { dispatcher: ["invalid_schema"], engine: [], because: SCHEMA },
};
