import { readConfig } from "@claws/service-kit";
import { runProbes } from "./run-probes.ts";
import { Settings } from "./settings.ts";

/** Whatever hangs: the launcher waits for 15 s, and a start may have taken most of them. */
const DEADLINE_MS = 6_000;

setTimeout(() => process.exit(1), DEADLINE_MS).unref();
const probes = await runProbes(readConfig(Settings, process.env));
process.stdout.write(JSON.stringify(probes), () => process.exit(0));
