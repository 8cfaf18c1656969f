import type { HostPattern } from "./host-pattern.ts";

interface Entry<Rule> {
  readonly order: number;
  readonly rule: Rule;
}

interface Suffix<Rule> {
  readonly oneLabel: Entry<Rule>[];
  readonly anyDepth: Entry<Rule>[];
}

/**
 * Finds the rules that mean a host, in their order, without asking each: exact hosts by one look-up,
 * wildcards by one look-up per label of the host.
 */
export class HostIndex<Rule> {
  readonly #exact = new Map<string, Entry<Rule>[]>();
  readonly #suffixes = new Map<string, Suffix<Rule>>();
  #size = 0;

  add(pattern: HostPattern, rule: Rule): void {
    const entry = { order: this.#size++, rule };
    if (pattern.kind === "exact") {
      const entries = this.#exact.get(pattern.host) ?? [];
      this.#exact.set(pattern.host, [...entries, entry]);
      return;
    }
    const suffix = this.#suffixes.get(pattern.suffix) ?? { oneLabel: [], anyDepth: [] };
    suffix[pattern.depth === "any" ? "anyDepth" : "oneLabel"].push(entry);
    this.#suffixes.set(pattern.suffix, suffix);
  }

  find(host: string): readonly Rule[] {
    const found = [...(this.#exact.get(host) ?? [])];
    // From the second character on: a host that begins with a dot has no label before it.
    let dot = this.#suffixes.size === 0 ? -1 : host.indexOf(".", 1);
    for (let depth = 1; dot >= 0; depth++) {
      const suffix = this.#suffixes.get(host.slice(dot));
      if (suffix !== undefined) {
        found.push(...suffix.anyDepth);
        if (depth === 1) found.push(...suffix.oneLabel);
      }
      dot = host.indexOf(".", dot + 1);
    }
    if (found.length > 1) found.sort((one, other) => one.order - other.order);
    return found.map(({ rule }) => rule);
  }
}
