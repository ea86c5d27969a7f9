import { CONFIG_SCHEMA } from "@durable-workflow/engine-protocol/executor-config";
import { CliError, EXIT } from "../shell/command.js";
import type { ActivityFile } from "./activities/collect.js";
import type { AppState, AppTarget } from "./apps/attached-apps.js";

/** An activity type, and who runs it: the file that has it, or an app. */
export type RoutedActivity = ActivityFile | { readonly type: string; readonly url: string };

/** The carrier of the files; apps are `app-1`, `app-2`. */
export const FILES = "dev";

/** Which carrier each activity type goes to: the files' own, else the first app that has it. */
export class Routes {
  files: readonly ActivityFile[] = [];
  apps: readonly AppState[] = [];
  carrierUrl = "";
  private readonly targets: readonly AppTarget[];

  constructor(targets: readonly AppTarget[]) {
    this.targets = targets;
  }

  get activities(): readonly RoutedActivity[] {
    return [...this.routed().values()].map(({ activity }) => activity);
  }

  /** Types that two have: what is told of each that goes nowhere. */
  get clashes(): readonly CliError[] {
    const routed = this.routed();
    return this.apps.flatMap(({ url, types }, index) =>
      types
        .filter((type) => routed.get(type)?.carrier !== appName(index))
        .map((type) => {
          const other = routed.get(type)?.activity;
          const where = other === undefined ? "" : "file" in other ? other.file : other.url;
          const what = `${where} and ${url} each have an activity of the type ${type}`;
          return new CliError(EXIT.config, what, "Rename one, or leave one of them out.");
        }),
    );
  }

  /** Where a carrier of the config is. */
  urlOf(carrier: string): string {
    const index = this.targets.findIndex((_, at) => appName(at) === carrier);
    return index < 0 ? this.carrierUrl : String(this.targets[index]?.url);
  }

  /** The carriers of apps that tell what they have. One whose types had to be named need not know a GET. */
  get tellingApps(): readonly string[] {
    return this.targets.flatMap(({ types }, index) => (types === undefined ? [appName(index)] : []));
  }

  /** The credentials of the apps, as the dispatcher looks them up. */
  get environment(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      this.targets.flatMap(({ token }, index) => (token === undefined ? [] : [[variableOf(index), token]])),
    );
  }

  /** An executor config that says so. */
  config(taskQueue: string): object {
    const apps = this.targets.map((target, index) => ({
      ...target,
      name: appName(index),
      variable: variableOf(index),
    }));
    const guarded = apps.filter(({ token }) => token !== undefined);
    const known = new Set(guarded.map(({ name }) => name));
    return {
      schema: CONFIG_SCHEMA,
      version: 1,
      carriers: {
        ...(this.carrierUrl === "" ? {} : { [FILES]: { type: "invocable_http", url: this.carrierUrl } }),
        ...Object.fromEntries(apps.map(({ name, url }) => [name, { type: "invocable_http", url: String(url) }])),
      },
      auth_refs: Object.fromEntries(guarded.map(({ name, variable }) => [name, { type: "env", env: variable }])),
      mappings: [...this.routed()].map(([type, { carrier }]) =>
        mappingOf(type, carrier, { taskQueue, authRef: known.has(carrier) ? carrier : undefined }),
      ),
    };
  }

  private routed(): ReadonlyMap<string, { readonly carrier: string; readonly activity: RoutedActivity }> {
    const routed = new Map<string, { readonly carrier: string; readonly activity: RoutedActivity }>();
    for (const activity of this.files) routed.set(activity.type, { carrier: FILES, activity });
    for (const [index, { url, types }] of this.apps.entries()) {
      for (const type of types) {
        if (!routed.has(type)) routed.set(type, { carrier: appName(index), activity: { type, url } });
      }
    }
    return routed;
  }
}

function mappingOf(
  type: string,
  carrier: string,
  { taskQueue, authRef }: { readonly taskQueue: string; readonly authRef: string | undefined },
): object {
  return {
    name: type,
    kind: "activity",
    task_queue: taskQueue,
    activity_type: type,
    carrier,
    handler: type,
    ...(authRef === undefined ? {} : { auth_ref: authRef }),
  };
}

function appName(index: number): string {
  return `app-${index + 1}`;
}

function variableOf(index: number): string {
  return `DW_APP_TOKEN_${index + 1}`;
}
