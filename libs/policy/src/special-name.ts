/**
 * Names that mean this machine, a neighbour or a private network, whoever answers for them: RFC 6761
 * (localhost), RFC 6762 (local), RFC 7686 (onion), RFC 8375 (home.arpa), ICANN's `.internal` with Docker's
 * and the clouds' names below it, and Kubernetes' `svc`.
 */
const SPECIAL_SUFFIXES = ["localhost", "localdomain", "local", "internal", "home.arpa", "onion", "svc"];

/**
 * Whether only a rule with exactly this name may open it. A single label is one too: it is the name of a
 * neighbour (`redis`), of a metadata service (`instance-data`), or is completed by somebody's search list.
 */
export function isSpecialName(host: string): boolean {
  if (isAddressLiteral(host)) return false;
  if (!host.includes(".")) return true;
  return SPECIAL_SUFFIXES.some((suffix) => host === suffix || host.endsWith(`.${suffix}`));
}

/** Only for canonical hosts, where a numeric last label means a dotted IPv4 address. */
export function isAddressLiteral(host: string): boolean {
  return host.startsWith("[") || /^[\d.]+$/.test(host);
}
