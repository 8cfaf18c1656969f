import { type AddressClassifier, classifyAddress } from "./address-class.ts";
import { dial } from "./dial.ts";
import type { Outside } from "./judge.ts";
import { createResolver } from "./resolve.ts";
import { readOwnAddresses } from "./tool-listeners.ts";

/** The internet as it is. */
export function createOutside(): Outside {
  return { resolve: createResolver(), classify: createClassifier(), dial };
}

/** Docker attaches networks to a running container, though not often; asking the kernel costs more than the rest. */
const OWN_FOR_MS = 500;

function createClassifier(): AddressClassifier {
  let own: readonly string[] = [];
  let readAt = Number.NEGATIVE_INFINITY;
  return function classify(address) {
    const now = performance.now();
    if (now - readAt > OWN_FOR_MS) {
      own = readOwnOr(own);
      readAt = now;
    }
    return classifyAddress(address, own);
  };
}

/** The last list, when the kernel gives none: without files to spare, for instance. */
function readOwnOr(last: readonly string[]): readonly string[] {
  try {
    return readOwnAddresses();
  } catch (error) {
    if (last.length === 0) throw error;
    return last;
  }
}
