/** The first three and last two characters of what was found, but never more than a third of it. */
export function maskEvidence(found: string): string {
  const shown = Math.floor(found.length / 3);
  const head = Math.min(3, shown);
  const tail = Math.min(2, shown - head);
  return `${found.slice(0, head)}***${tail === 0 ? "" : found.slice(-tail)}`;
}
