import type { OptionNames } from "../protocol/options.js";
import type { ExternalStorageOptions } from "./external-storage.js";

export const EXTERNAL_STORAGE_OPTION_NAMES: OptionNames<ExternalStorageOptions> = {
  externalStorage: true,
  externalStorageCache: true,
  externalStorageThresholdBytes: true,
};
