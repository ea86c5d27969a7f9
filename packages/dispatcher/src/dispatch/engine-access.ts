import type { ExecutorConfig } from "@durable-workflow/engine-protocol/executor-config";
import { type ConnectionSettings, resolveConnection } from "../config/connection.js";
import { loadProfiles, type Profiles, profilesPath } from "../config/profiles.js";
import type { ResolvedOptions } from "./options.js";

interface Loaded {
  readonly connection: ConnectionSettings;
  readonly profiles: Profiles;
}

/** How the engine is reached, by the profiles as they were read last: a reload takes new ones, since tokens change. */
export class EngineAccess {
  private readonly options: ResolvedOptions;
  private loaded: Loaded;

  private constructor(options: ResolvedOptions, loaded: Loaded) {
    this.options = options;
    this.loaded = loaded;
  }

  /** @throws {ProfileError | TypeError} for profiles and settings that cannot be used */
  static async load(options: ResolvedOptions, config: ExecutorConfig | undefined): Promise<EngineAccess> {
    return new EngineAccess(options, await load(options, config));
  }

  /** @throws as {@link load}; nothing has changed then */
  async reload(config: ExecutorConfig | undefined): Promise<void> {
    this.loaded = await load(this.options, config);
  }

  get connection(): ConnectionSettings {
    return this.loaded.connection;
  }

  get profiles(): Profiles {
    return this.loaded.profiles;
  }
}

async function load({ given, environment }: ResolvedOptions, config: ExecutorConfig | undefined): Promise<Loaded> {
  const profiles = await loadProfiles(given.profilesPath ?? profilesPath(environment));
  const flags = given.connection ?? {};
  return { profiles, connection: resolveConnection({ flags, environment, profiles, defaults: config?.defaults }) };
}
