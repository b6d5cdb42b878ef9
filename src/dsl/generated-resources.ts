import { TopologyError } from '../errors.ts';

/** Internal resources that the user has not named. Their names change when operators are added before them, and with them what they hold is lost. */
export class GeneratedResources {
  readonly #stores = new Set<string>();
  readonly #changelogs = new Set<string>();
  readonly #repartitions = new Set<string>();

  addStore(name: string, logged: boolean): void {
    this.#stores.add(name);
    if (logged) this.addChangelog(name);
  }

  addChangelog(store: string): void {
    this.#changelogs.add(`${store}-changelog`);
  }

  addRepartition(topic: string): void {
    this.#repartitions.add(topic);
  }

  /** @throws TopologyError when there are any (`ensure.explicit.internal.resource.naming`). */
  refuse(): void {
    const parts = [
      ['changelog topics', this.#changelogs] as const,
      ['state stores', this.#stores] as const,
      ['repartition topics', this.#repartitions] as const,
    ].flatMap(([what, names]) => (names.size === 0 ? [] : [`${what} without a name: ${[...names].join(', ')}`]));
    if (parts.length === 0) return;
    throw new TopologyError(
      `ensureExplicitInternalResourceNaming is on and some internal resources have generated names; ${parts.join('; ')}. ` +
        'Give the operators behind them the options store (state stores) and name (groupings, repartitions, joins, suppress)',
    );
  }
}
