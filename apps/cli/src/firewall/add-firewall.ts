import { type Command, Option } from "commander";
import { BACKENDS, type Backend, writeFirewallRules } from "./firewall-rules.ts";
import { applyFirewall, findBackend, removeFirewall } from "./run-firewall.ts";

export interface FirewallSurroundings {
  readonly environment: NodeJS.ProcessEnv;
  /** Data: standard output. */
  readonly print: (text: string) => void;
  /** Progress: standard error. */
  readonly say: (line: string) => void;
}

/** `firewall print`, `apply` and `remove`. */
export function addFirewall(program: Command, { environment, print, say }: FirewallSurroundings): void {
  const firewall = program
    .command("firewall")
    .description("the host's own wall around agents and MCP servers, should Compose settings be lost");
  const backendOption = () =>
    new Option("--backend <backend>", "default: the one that this machine has").choices(BACKENDS);

  firewall
    .command("print")
    .description("what apply would do; changes nothing, needs no root")
    .addOption(backendOption())
    .option("--unit", "the systemd unit that brings the rules back after a restart", false)
    .action(async ({ backend, unit }: { backend?: Backend; unit: boolean }) => {
      const rules = writeFirewallRules(backend ?? (await findBackend(environment)));
      print((unit ? rules.unit : rules.text).trimEnd());
      if (!unit) say(`to keep it over a restart: ${rules.file}, and 'firewall print --unit'`);
    });
  firewall
    .command("apply")
    .description("put the rules in place until the next restart; as root")
    .addOption(backendOption())
    .action(async ({ backend }: { backend?: Backend }) => {
      const chosen = backend ?? (await findBackend(environment));
      await applyFirewall(chosen, environment);
      say(`the host firewall is in place (${chosen}), until the next restart: docs/guides/firewall.md`);
    });
  firewall
    .command("remove")
    .description("take the rules away; as root")
    .addOption(backendOption())
    .action(async ({ backend }: { backend?: Backend }) => {
      const looked = await removeFirewall(backend, environment);
      say(`no rule of ours is left (${looked.join(", ")})`);
    });
}
