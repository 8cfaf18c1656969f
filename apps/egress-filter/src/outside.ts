import { classifyAddress } from "./address-class.ts";
import { dial } from "./dial.ts";
import type { Outside } from "./judge.ts";
import { createResolver } from "./resolve.ts";
import { readOwnAddresses } from "./tool-listeners.ts";

/** The internet as it is. */
export function createOutside(): Outside {
  return {
    resolve: createResolver(),
    classify: (address) => classifyAddress(address, readOwnAddresses()),
    dial,
  };
}
