import type { Bench } from "./bench.ts";
import { benchBroker } from "./broker.ts";
import { benchEgress } from "./egress.ts";
import { benchEgressAttacks } from "./egress-attacks.ts";
import { benchFootprint } from "./footprint.ts";

export const benches: Readonly<Record<string, Bench>> = {
  footprint: benchFootprint,
  broker: benchBroker,
  egress: benchEgress,
  "egress-attacks": benchEgressAttacks,
};
