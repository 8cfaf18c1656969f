import type { CompiledPolicy, Probe, VerificationReport } from "@claws/contracts";
import type { Logger } from "@claws/service-kit";
import type { Engine } from "../engine.ts";
import { createProberSpec, PROBER_LABEL, TOKEN_DIRECTORY } from "./create-prober-spec.ts";
import type { ContainerFacts, Inspector, ListedContainer } from "./inspector.ts";
import { judgeContainer } from "./judge-container.ts";
import { createProbeTargets, DOORS } from "./probe-targets.ts";
import { type ProberEngine, runProber, summaryOf } from "./run-prober.ts";
import { findVantages, isSibling, serviceOf, type Vantage } from "./vantage.ts";

export interface VerifyStackOptions {
  readonly engine: ProberEngine & Pick<Engine, "imageId" | "listContainers">;
  readonly inspector: Inspector;
  readonly project: string;
  readonly policy: Pick<CompiledPolicy, "agents" | "egress" | "servers">;
  readonly proberImage: string;
  readonly logger: Logger;
}

export interface VerificationRequest {
  /** A port on which somebody listens on all addresses of the machine meanwhile. */
  readonly decoyPort?: number | undefined;
}

export type VerifyStack = (request: VerificationRequest) => Promise<VerificationReport>;

/** What was found out from one place. */
interface Findings {
  readonly probes: readonly Probe[];
  readonly failure?: string;
}

const AT_ONCE = 3;
const NOBODY = "65532:65532";

/** Probes from the namespace of every agent and MCP server that runs. Whatever keeps a run from being made is its failure. */
export function createVerifyStack(options: VerifyStackOptions): VerifyStack {
  const { engine, inspector, project, policy, proberImage, logger } = options;
  let last: Promise<unknown> = Promise.resolve();

  async function probeAll({ decoyPort }: VerificationRequest): Promise<Findings> {
    const containers = await inspector.listRunning();
    const vantages = findVantages(containers, { project, servers: policy.servers });
    if (!vantages.some(({ kind }) => kind === "agent")) {
      return { probes: [], failure: `no container of service agent runs in project ${project}: start it` };
    }
    const imageId = await engine.imageId(proberImage);
    if (imageId === undefined) {
      return { probes: [], failure: `the image ${proberImage} is missing: './claws up' builds it` };
    }
    await removeLeftovers();
    const found: Findings[] = [];
    for (let start = 0; start < vantages.length; start += AT_ONCE) {
      const those = vantages.slice(start, start + AT_ONCE);
      found.push(
        ...(await Promise.all(
          those.map((vantage) => probeFrom({ vantage, containers, imageId, decoyPort })),
        )),
      );
    }
    const failure = found.map(({ failure: reason }) => reason).find((reason) => reason !== undefined);
    return { probes: found.flatMap(({ probes }) => probes), ...(failure === undefined ? {} : { failure }) };
  }

  async function probeFrom(place: {
    readonly vantage: Vantage;
    readonly containers: readonly ListedContainer[];
    readonly imageId: string;
    readonly decoyPort: number | undefined;
  }): Promise<Findings> {
    const { vantage, containers, imageId, decoyPort } = place;
    const { network: own } = vantage;
    const { id } = vantage.container;
    const facts = await inspector.inspect(id);
    if (facts?.isRunning !== true) return ended(vantage);
    const targets = createProbeTargets({ vantage, containers, project, policy, decoyPort });
    const network = own === undefined ? undefined : await inspector.inspectNetwork(own);
    const probes = judgeContainer({
      vantage,
      facts,
      network,
      members: membersOf(vantage, containers),
      allowedMembers: Object.keys(DOORS[vantage.kind]),
    });
    // Without its doors a namespace shows nothing: the run is made again when they are there.
    if (targets.missing.length > 0) {
      return { probes: [...probes, ...targets.missing.map((name) => missingDoor(vantage, name))] };
    }
    const tokenVolume =
      vantage.kind === "agent"
        ? facts.mounts.find(({ target }) => target === TOKEN_DIRECTORY)?.volume
        : undefined;
    const environment =
      tokenVolume === undefined
        ? targets.environment
        : { ...targets.environment, PROXY_USER: "main", TOKEN_FILE: `${TOKEN_DIRECTORY}/token` };
    const spec = createProberSpec({
      project,
      imageId,
      target: id,
      user: userOf(facts),
      tokenVolume,
      environment,
    });
    const result = await runProber(engine, spec).catch((error: unknown) => ({
      ok: false as const,
      reason: summaryOf(error),
    }));
    if (result.ok) return { probes: [...probes, ...result.probes] };
    const now = await inspector.inspect(id);
    if (now?.isRunning !== true) return ended(vantage);
    logger.error({ from: vantage.from, reason: result.reason }, "a prober gave no report");
    return { probes, failure: `from ${vantage.from}: ${result.reason}` };
  }

  function membersOf({ network, container }: Vantage, containers: readonly ListedContainer[]): string[] {
    return containers
      .filter(({ id, networks }) => id !== container.id && networks.some((each) => each.network === network))
      .filter((other) => !isSibling(other, container))
      .map((other) => serviceOf(other, project) ?? `container ${other.name}`);
  }

  /** Of a launcher that ended in the middle of a run. */
  async function removeLeftovers(): Promise<void> {
    const leftovers = await engine.listContainers([`claws.project=${project}`, PROBER_LABEL]);
    await Promise.all(leftovers.map((container) => engine.remove(container)));
  }

  async function verify(request: VerificationRequest): Promise<VerificationReport> {
    const startedAt = new Date().toISOString();
    const { probes, failure } = await probeAll(request).catch((error: unknown): Findings => {
      logger.error({ err: error }, "the verification could not be made");
      return { probes: [], failure: summaryOf(error) };
    });
    return {
      version: 1,
      startedAt,
      finishedAt: new Date().toISOString(),
      passed: failure === undefined && probes.every(({ passed }) => passed),
      probes: [...probes],
      ...(failure === undefined ? {} : { failure }),
    };
  }

  return (request) => {
    // One after another: a run removes what it finds of others.
    const run = last.then(() => verify(request));
    last = run.catch(() => undefined);
    return run;
  };
}

/** An MCP server that ended meanwhile needs no proof any more; an agent does, as soon as it is back. */
function ended({ kind, from }: Vantage): Findings {
  return kind === "server"
    ? { probes: [] }
    : { probes: [], failure: `the container of ${from} ended meanwhile` };
}

function missingDoor({ from }: Vantage, name: string): Probe {
  return {
    id: "door-answers",
    from,
    tried: `${name} on the network of ${from}`,
    expected: "it runs",
    happened: "it does not run, or is not there",
    passed: false,
  };
}

/** The prober reads the agent's token as the agent does; a container that runs as root is a finding, not an example. */
function userOf({ user }: ContainerFacts): string {
  return /^[1-9]\d*(:[1-9]\d*)?$/.test(user) ? user : NOBODY;
}
