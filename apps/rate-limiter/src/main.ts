import { readConfig, runService } from "@claws/service-kit";
import { createRateLimiterService } from "./service.ts";
import { Settings } from "./settings.ts";

await runService("rate-limiter", async (tools) =>
  createRateLimiterService(readConfig(Settings, process.env), tools),
);
