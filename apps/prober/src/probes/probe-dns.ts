import { randomBytes } from "node:crypto";
import { askDns, type Question } from "../ask-dns.ts";
import { judgeAllowedName, judgeDnsAnswers, judgeUnknownNames } from "../judge-dns.ts";
import type { Settings } from "../settings.ts";
import { type Finding, toFinding } from "./probe-group.ts";

/** Docker's own resolver; on engines with CVE-2024-29018 it asks outside for the container. */
const EMBEDDED = "127.0.0.11";

type DnsSettings = Pick<Settings, "ALLOWED_NAME" | "DNS_ADDRESS">;

export async function probeDns(settings: DnsSettings): Promise<Finding[]> {
  const { DNS_ADDRESS: policyDns } = settings;
  const findings = await Promise.all([
    probeServer(EMBEDDED, "TOP-03", settings),
    ...(policyDns === undefined ? [] : [probeServer(policyDns, "TOP-06", settings)]),
  ]);
  return findings.flat();
}

async function probeServer(
  server: string,
  id: string,
  { ALLOWED_NAME: allowed, DNS_ADDRESS: address }: DnsSettings,
): Promise<Finding[]> {
  const over = (name: string, type: Question["type"]): Question[] => [
    { server, name, type, transport: "udp" },
    { server, name, type, transport: "tcp" },
  ];
  // The root's name servers: any resolver that asks outside knows them. The random names nobody can have cached.
  const unknown = [...over(randomName(), "A"), ...over(randomName(), "TXT"), ...over("", "NS")];
  const [unknownAnswers, allowedAnswers] = await Promise.all([
    Promise.all(unknown.map(askDns)),
    Promise.all((allowed === undefined ? [] : over(allowed, "A")).map(askDns)),
  ]);
  const findings = [
    toFinding(
      { id, tried: `A and TXT of random names, and NS of the root, at ${server}`, expected: "no such name" },
      judgeUnknownNames(unknownAnswers),
    ),
    toFinding(
      {
        id: `${id}-answers`,
        tried: `${server}, over UDP and TCP`,
        expected: "an answer, or a refusal, at once",
      },
      judgeDnsAnswers([...unknownAnswers, ...allowedAnswers]),
    ),
  ];
  if (allowed === undefined || address === undefined) return findings;
  const claim = {
    id: `${id}-allowed`,
    tried: `A of ${allowed}, which the policy allows, at ${server}`,
    expected: `no address but the proxy's, ${address}`,
  };
  return [...findings, toFinding(claim, judgeAllowedName(allowedAnswers, address))];
}

const randomName = () => `${randomBytes(6).toString("hex")}.claws-probe.example`;
