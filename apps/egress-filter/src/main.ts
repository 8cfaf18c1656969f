import { createBufferedLogger, readConfig, runService } from "@claws/service-kit";
import { createOutside } from "./outside.ts";
import { createEgressFilterService } from "./service.ts";
import { Settings } from "./settings.ts";

await runService("egress-filter", async (tools) =>
  createEgressFilterService(readConfig(Settings, process.env), tools, {
    outside: createOutside(),
    lines: createBufferedLogger("egress-filter"),
  }),
);
