import { readConfig, runService } from "@claws/service-kit";
import { createBroker } from "./service.ts";
import { Settings } from "./settings.ts";
import { runVerifyCommand } from "./verification/verify-command.ts";

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  await runService("broker", (tools) => createBroker(readConfig(Settings, process.env), tools));
} else {
  process.exitCode = await runVerifyCommand(command, args, readConfig(Settings, process.env), {
    print: (line) => void process.stdout.write(`${line}\n`),
    complain: (line) => void process.stderr.write(`${line}\n`),
  });
}
