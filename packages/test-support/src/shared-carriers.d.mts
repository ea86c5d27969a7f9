/** An executor config in which each of several carriers has its share of the activity types. */
export function sharedCarriers(urls: readonly string[], types: readonly string[]): object;
