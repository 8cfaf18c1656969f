import { rootCertificates } from "node:tls";
import { createInspectionAuthority, type IssuedCertificate } from "@claws/certificates";
import * as z from "zod";
import { EVERYBODY_IN_THE_CONTAINER, type KeyVolume } from "./key-volume.ts";

const AUTHORITY_FILE = "inspection-ca.json";
const StoredAuthority = z.strictObject({ certificate: z.string(), privateKey: z.string() });

/**
 * Gives egress-filter the authority of TLS inspection, and the agent the certificate alone: by itself, and
 * behind the public ones (Mozilla's, as this Node carries them) in a bundle that takes the system's place.
 */
export async function provideInspectionAuthority(volumeOf: (name: string) => KeyVolume): Promise<void> {
  const { certificate } = await provideAuthority(volumeOf("egress-filter"));
  const trust = volumeOf("agent-trust");
  replace(trust, "inspection-ca.crt", `${certificate.trim()}\n`);
  replace(trust, "ca-certificates.crt", `${[...rootCertificates, certificate.trim()].join("\n")}\n`);
}

/** Certificate and key in one file: a crash cannot part them. */
async function provideAuthority(volume: KeyVolume): Promise<IssuedCertificate> {
  const stored = volume.read(AUTHORITY_FILE);
  if (stored !== undefined) return StoredAuthority.parse(JSON.parse(stored));
  const authority = await createInspectionAuthority();
  volume.write(AUTHORITY_FILE, JSON.stringify(authority));
  return authority;
}

function replace(volume: KeyVolume, name: string, content: string): void {
  if (volume.read(name) !== content) volume.write(name, content, EVERYBODY_IN_THE_CONTAINER);
}
