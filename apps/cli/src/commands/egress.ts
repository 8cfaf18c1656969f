import type { Command } from "commander";
import type { Stack } from "../stack/stack.ts";
import { describeExplanation, explainDestination, type ExplainFlags } from "./egress-explain.ts";
import { describeProposal, learnRules, type LearnFlags } from "./egress-learn.ts";
import { reloadEgress } from "./egress-reload.ts";
import { addEgressPending } from "./egress-pending.ts";

/** `./claws egress`: what the rules make of a destination, and which rules are missing. */
export function addEgress(program: Command, stack: Stack, print: (text: string) => void): void {
  const egress =
    program.commands.find((command) => command.name() === "egress") ??
    program.command("egress").description("the way out: what the rules say, and what they lack");
  egress
    .command("explain <url>")
    .description("which rule decides about a URL or host:port, the key to change, and what nobody will see")
    .option("--profile <name>", "basic, filtered or airgap (default: filtered)")
    .option("--method <method>", "of the request (default: GET)")
    .option("--agent <name>", "whose rules (default: main)")
    .option("--server <name>", "the rules of an MCP server")
    .option("--json")
    .action((url: string, { json, ...flags }: ExplainFlags & { json?: boolean }) => {
      const explanation = explainDestination(stack, url, flags);
      print(json ? JSON.stringify(explanation) : describeExplanation(explanation));
    });
  egress
    .command("learn")
    .description("rules for what agents have reached, as a diff of a profile; changes nothing")
    .option("--profile <name>", "the profile to complete (default: filtered)")
    .option("--since <when>", "90m, 24h, 7d or a date (default: the last 100000 records)")
    .option("--json")
    .action(async ({ json, ...flags }: LearnFlags & { json?: boolean }) => {
      const proposal = await learnRules(stack, flags);
      print(json ? JSON.stringify(proposal) : describeProposal(proposal));
    });
  egress
    .command("reload")
    .description("put the rules, quotas and limits of the changed profile into force, without a restart")
    .action(async () => print(await reloadEgress(stack)));
  addEgressPending(egress, stack, print);
}
