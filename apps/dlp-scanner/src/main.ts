import { readConfig, runService } from "@claws/service-kit";
import { createDlpScannerService } from "./service.ts";
import { Settings } from "./settings.ts";

await runService("dlp-scanner", async (tools) =>
  createDlpScannerService(readConfig(Settings, process.env), tools),
);
