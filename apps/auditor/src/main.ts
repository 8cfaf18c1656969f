import { readConfig, runService } from "@claws/service-kit";
import { runCommand } from "./run-command.ts";
import { createAuditorService } from "./service.ts";
import { Settings } from "./settings.ts";

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  await runService("auditor", async (tools) =>
    createAuditorService(readConfig(Settings, process.env), tools),
  );
} else {
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  const complain = (line: string) => void process.stderr.write(`${line}\n`);
  process.exitCode = await runCommand(command, args, readConfig(Settings, process.env), print, complain);
}
