import { Command, Option } from "commander";
import { benches } from "./bench/benches.ts";
import { ClawsError } from "./claws-error.ts";
import { decideApproval, describeApproval } from "./commands/approvals.ts";
import { takeDown } from "./commands/down.ts";
import { addEgress } from "./commands/egress.ts";
import { SECRET_HOLDERS, setSecret } from "./commands/secrets.ts";
import { runTests } from "./commands/test.ts";
import { readTourStack, takeTour } from "./commands/tour.ts";
import { bringUp, describeStack } from "./commands/up.ts";
import { addVerify } from "./commands/verify.ts";
import { addFirewall } from "./firewall/add-firewall.ts";
import { connectAsOperator, createLoginLink } from "./operator-client.ts";
import { findUnhealthy, listContainers } from "./stack/health.ts";
import { loadImages, pinImages, saveImages } from "./stack/images.ts";
import { checkProfile, readProfileName } from "./stack/preflight.ts";
import { type Stack, withProfile } from "./stack/stack.ts";

/** Everything that `./claws` does. Data goes to standard output, progress to standard error. */
export function createProgram(stack: Stack, environment: NodeJS.ProcessEnv): Command {
  const program = new Command("claws").description(
    "A hardened container for an untrusted AI agent, with three guarded doors.",
  );
  const print = (text: string) => void process.stdout.write(`${text}\n`);
  const say = (text: string) => void process.stderr.write(`claws: ${text}\n`);
  const exitWith = (code: number) => {
    process.exitCode = code;
  };

  program
    .command("up [profile...]")
    .description("start a profile (basic, filtered or airgap; default filtered) and wait until it is healthy")
    .action(async (names: string[]) => {
      const { stack: running } = await bringUp(stack, names, { say });
      print(await describeStack(running));
    });
  program
    .command("down")
    .description("remove what up started")
    .option("--volumes", "also the state: keys, audit log, approvals, workspace volume", false)
    .action((options: { volumes: boolean }) => takeDown(stack, options));
  program
    .command("status")
    .description("each container and its health; exit code 1 when one is not well")
    .option("--json")
    .action(async ({ json }: { json?: boolean }) => {
      const containers = await listContainers(stack);
      const unwell = findUnhealthy(containers);
      if (json) print(JSON.stringify({ containers, healthy: containers.length > 0 && unwell.length === 0 }));
      else
        print(
          containers.length === 0
            ? "nothing runs"
            : containers
                .map(({ Service, State, Health }) => `${Service.padEnd(20)} ${Health || State}`)
                .join("\n"),
        );
      exitWith(containers.length > 0 && unwell.length === 0 ? 0 : 1);
    });
  program
    .command("login")
    .description("a link that logs the operator in, once")
    .action(async () => print(await createLoginLink(stack)));
  program
    .command("shell")
    .description("a shell in the agent's container")
    .action(async () => exitWith(await stack.composeInteractive(["exec", "agent", "sh"])));
  program
    .command("run <task...>")
    .description("a task for the reference agent")
    .action(async (words: string[]) =>
      exitWith(
        await stack.composeInteractive([
          "exec",
          "-T",
          "agent",
          "/usr/local/bin/node",
          "/opt/claws/claws-agent.mjs",
          words.join(" "),
        ]),
      ),
    );
  program
    .command("tour")
    .description("every door and every wall, tried from inside an agent's container")
    .option("--keep", "leave the tour's own deployment running", false)
    .option("--json")
    .action(async ({ keep, json }: { keep: boolean; json?: boolean }) => {
      const onStep = (step: { tried: string; ok: boolean; happened: string; by: string }) =>
        print(
          json
            ? JSON.stringify(step)
            : `${step.ok ? "✓" : "✗"} ${step.tried}\n    ${step.happened}  — ${step.by}`,
        );
      const allAsExpected = await takeTour(readTourStack(stack.root, environment), { say, onStep, keep });
      exitWith(allAsExpected ? 0 : 1);
    });

  addVerify(program, stack, { environment, print, say, exitWith });
  addApprovals(program, stack, print);
  addAudit(program, stack, exitWith);
  addImages(program, stack, print);
  addEgress(program, stack, print);
  addFirewall(program, { environment, print, say });

  program
    .command("secrets")
    .description("secrets that the stack injects")
    .command("set <name>")
    .description("store one from standard input, for instance: cat key | ./claws secrets set OPENAI_API_KEY")
    .addOption(
      new Option("--for <service>", "who puts it into requests")
        .choices(SECRET_HOLDERS)
        .default("model-gateway"),
    )
    .action(async (name: string, { for: holder }: { for: string }) => {
      await setSecret(stack, name, holder, process.stdin);
      say(`${name} is stored; only ${holder} can read it`);
    });
  program
    .command("profile")
    .description("profiles")
    .command("check [profile]")
    .description("compile a profile and say where it is wrong")
    .action((name?: string) => {
      const profile = readProfileName(name === undefined ? [] : [name]);
      checkProfile(withProfile(stack, profile), profile);
      say(`profile ${profile} is in order`);
    });
  program
    .command("logs [service]")
    .description("follow the logs of one service, or of all")
    .action(async (service?: string) =>
      exitWith(
        await stack.composeInteractive([
          "logs",
          "--follow",
          "--tail",
          "50",
          ...(service === undefined ? [] : [service]),
        ]),
      ),
    );
  program
    .command("test [suite]")
    .description("everything: format, lint, types, unit, images, e2e; or one of unit, e2e")
    .action(async (suite?: string) => exitWith(await runTests(stack, suite, { say, environment })));
  program
    .command(`bench <name>`)
    .description(`measure: ${Object.keys(benches).join(", ")}; prints one JSON document`)
    .option("--json", "the default")
    .action(async (name: string) => {
      const bench = benches[name];
      if (bench === undefined)
        throw new ClawsError(`there is no bench ${name}: choose one of ${Object.keys(benches).join(", ")}`);
      print(JSON.stringify(await bench(stack, { say, environment }), null, 2));
    });
  return program;
}

function addApprovals(program: Command, stack: Stack, print: (text: string) => void): void {
  const approvals = program.command("approvals").description("what waits for a person");
  approvals
    .command("list")
    .option("--all", "also what was decided", false)
    .option("--json")
    .action(async ({ all, json }: { all: boolean; json?: boolean }) => {
      const found = await (await connectAsOperator(stack)).listApprovals(all ? "all" : "open");
      print(
        json
          ? JSON.stringify(found)
          : found.length === 0
            ? "nothing waits"
            : found.map(describeApproval).join("\n\n"),
      );
    });
  approvals
    .command("approve <id>")
    .action(async (id: string) => print(describeApproval(await decideApproval(stack, id, "approve"))));
  approvals
    .command("deny <id> [reason...]")
    .action(async (id: string, reason: string[]) =>
      print(describeApproval(await decideApproval(stack, id, "deny", reason.join(" ") || undefined))),
    );
}

function addAudit(program: Command, stack: Stack, exitWith: (code: number) => void): void {
  const audit = program.command("audit").description("the audit log");
  const inAuditor = (...args: string[]) =>
    stack.composeInteractive(["run", "--rm", "--no-deps", "-T", "auditor", ...args]);
  audit
    .command("verify")
    .description("check the hash chain of the whole log, offline")
    .action(async () => exitWith(await inAuditor("verify")));
  audit
    .command("export")
    .description("every record as a JSON line, or as an OCSF event")
    .option("--ocsf", "in the Open Cybersecurity Schema Framework", false)
    .option("--since <seq>", "only records after this number")
    .action(async ({ ocsf, since }: { ocsf: boolean; since?: string }) => {
      const flags = [...(ocsf ? ["--ocsf"] : []), ...(since === undefined ? [] : ["--since", since])];
      exitWith(await inAuditor("export", ...flags));
    });
  audit
    .command("tail [count]")
    .description("the last records, as JSON lines")
    .action(async (count = "20") => exitWith(await inAuditor("tail", count)));
}

function addImages(program: Command, stack: Stack, print: (text: string) => void): void {
  const images = program.command("images").description("carry images to a machine without a registry");
  images
    .command("save <file> [profile]")
    .description("write every image of a profile into one file")
    .action(async (file: string, name?: string) => {
      const profile = readProfileName(name === undefined ? [] : [name]);
      print(`${await saveImages(withProfile(stack, profile), profile, file)} images are in ${file}`);
    });
  images
    .command("load <file>")
    .description("read the images of such a file")
    .action(async (file: string) => print((await loadImages(stack, file)).join("\n")));
  images
    .command("pin")
    .description("write the digests of third-party images into docker-compose.yml, where a registry answers")
    .action(async () => print((await pinImages(stack)).join("\n")));
}
