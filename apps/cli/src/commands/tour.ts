import * as z from "zod";
import { ClawsError } from "../claws-error.ts";
import { connectAsOperator, type OperatorClient } from "../operator-client.ts";
import { readStack, type Stack } from "../stack/stack.ts";
import { takeDown } from "./down.ts";
import { listenOnAllAddresses } from "./listen-on-all-addresses.ts";
import { bringUp } from "./up.ts";

const Step = z.object({ tried: z.string(), ok: z.boolean(), happened: z.string(), by: z.string() });
export type TourStep = z.infer<typeof Step>;

/** The tour's own deployment: the default profile's topology, with the e2e's hosts for an internet. */
export function readTourStack(root: string, environment: NodeJS.ProcessEnv): Stack {
  return readStack(root, {
    ...environment,
    CLAWS_PROJECT: "claws-tour",
    CLAWS_OVERLAYS: "e2e/compose.e2e.yml",
    CLAWS_PROFILES: "./e2e/profiles",
    CLAWS_CONSOLE_PORT: "0",
    CLAWS_LOGS_PORT: "0",
    CLAWS_TEST_PREFIX: "203.0.113",
    AGENT_IMAGE: "",
    WORKSPACE: "workspace",
    ALLOWED_TOOLS_FILTERED: "",
    BLOCKED_TOOLS: "",
    MAX_API_CALLS_PER_MINUTE: "",
    MAX_COST_PER_SESSION_USD: "",
    MAX_TOKENS_PER_REQUEST: "",
  });
}

export interface TourOptions {
  readonly say: (line: string) => void;
  readonly onStep: (step: TourStep) => void;
  readonly keep: boolean;
}

/** Starts the tour's deployment beside whatever runs, walks it, and takes it down. False when a step surprised. */
export async function takeTour(stack: Stack, { say, onStep, keep }: TourOptions): Promise<boolean> {
  await takeDown(stack, { volumes: true });
  try {
    await bringUp(stack, ["filtered"], { say });
    return await walkTour(stack, onStep);
  } finally {
    if (!keep) await takeDown(stack, { volumes: true });
  }
}

/** Walks the tour in a deployment that is up: the agent acts inside, the operator approves from outside. */
export async function walkTour(stack: Stack, onStep: (step: TourStep) => void): Promise<boolean> {
  const operator = await connectAsOperator(stack);
  const host = await listenOnAllAddresses();
  const approving = approveWhatWaits(operator);
  const file = await stack.compose([
    "exec",
    "-T",
    "agent",
    "sh",
    "-c",
    "echo 'hello from the workspace' > /workspace/hello.txt",
  ]);
  if (file.code !== 0) throw new ClawsError(`the agent's container does not answer: ${file.stderr.trim()}`);
  let steps = 0;
  let surprises = 0;
  try {
    const { code, stderr } = await stack.compose(
      [
        "exec",
        "-T",
        "agent",
        "/usr/local/bin/node",
        "/opt/claws/tour.mjs",
        "--allowed-url",
        "http://allowed.example/",
        "--forbidden-url",
        "http://forbidden.example/",
        "--outside-address",
        "203.0.113.10:80",
        "--host-port",
        String(host.port),
      ],
      {
        onLine(line) {
          const step = Step.parse(JSON.parse(line));
          steps++;
          if (!step.ok) surprises++;
          onStep(step);
        },
      },
    );
    if (steps === 0) throw new ClawsError(`the tour did not start: ${stderr.trim()}`);
    return code === 0 && surprises === 0;
  } finally {
    await approving.stop();
    host.close();
  }
}

/** The operator of the tour: approves each call that waits, through the same API as the console. */
function approveWhatWaits(operator: OperatorClient): { stop: () => Promise<void> } {
  const stopping = new AbortController();
  const work = (async () => {
    while (!stopping.signal.aborted) {
      for (const approval of await operator.listApprovals("open")) {
        if (approval.state === "pending") await operator.decide(approval, "approve");
      }
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await work;
    },
  };
}
