import type { CompiledPolicy, EgressRule } from "@claws/contracts";
import { createDefaultDetectors, createKnownSecretDetector, type Detector } from "@claws/detect";
import { type ContentJudge, createContentJudge } from "./content-judge.ts";
import type { ReadSecret } from "./secret-store.ts";

export interface ContentJudges {
  readonly requests: ContentJudge;
  readonly answers: ContentJudge;
}

/** Detectors know the secrets that rules name, so that none of them leaves by another way than its header. */
export function createContentJudges(readSecret: ReadSecret): (policy: CompiledPolicy) => ContentJudges {
  const detectors = createDefaultDetectors();
  let known: { readonly values: string; readonly detector: Detector } | undefined;

  function knownSecrets(policy: CompiledPolicy): Detector {
    const readings = [...new Set(rulesOf(policy).flatMap(({ credential }) => credential?.secret ?? []))].map(
      readSecret,
    );
    const values = readings.flatMap((reading) => (reading.ok ? [reading.value] : []));
    const joined = values.join("\n");
    if (known?.values !== joined) known = { values: joined, detector: createKnownSecretDetector(values) };
    return known.detector;
  }

  return function judgesOf(policy) {
    const all = [knownSecrets(policy), ...detectors];
    const judgeOf = (direction: "egress-requests" | "egress-responses") =>
      createContentJudge({ direction, actions: policy.dlp[direction], detectors: all });
    return { requests: judgeOf("egress-requests"), answers: judgeOf("egress-responses") };
  };
}

function rulesOf({ egress, agents, servers }: CompiledPolicy): EgressRule[] {
  const own = [...Object.values(agents), ...Object.values(servers)].flatMap(({ egress }) => egress ?? []);
  return [...egress.rules, ...own];
}
