import { createPrivateKey, X509Certificate } from "node:crypto";
import {
  createAuthority,
  isCertificateDue,
  type IssuedCertificate,
  issueServiceCertificate,
} from "@claws/certificates";
import { type ServiceName, SERVICES } from "@claws/contracts";
import * as z from "zod";
import type { KeyVolume } from "./key-volume.ts";

const AUTHORITY_FILE = "authority.json";
const StoredAuthority = z.strictObject({ certificate: z.string(), privateKey: z.string() });

/** Gives every service its certificate; renews those that end within half a year or do not fit their key. */
export async function provideCertificates(volumeOf: (name: string) => KeyVolume): Promise<ServiceName[]> {
  const authority = await provideAuthority(volumeOf("authority"));
  const renewed: ServiceName[] = [];
  for (const service of SERVICES) {
    const volume = volumeOf(service);
    if (volume.read("ca.crt") !== authority.certificate) volume.write("ca.crt", authority.certificate);
    if (await isInOrder(volume, authority)) continue;
    const { certificate, privateKey } = await issueServiceCertificate(authority, service);
    volume.write("tls.key", privateKey);
    volume.write("tls.crt", certificate);
    renewed.push(service);
  }
  return renewed;
}

/** Certificate and key in one file: a crash cannot part them. Its volume is mounted by bootstrap alone. */
async function provideAuthority(volume: KeyVolume): Promise<IssuedCertificate> {
  const stored = volume.read(AUTHORITY_FILE);
  if (stored !== undefined) return StoredAuthority.parse(JSON.parse(stored));
  const authority = await createAuthority();
  volume.write(AUTHORITY_FILE, JSON.stringify(authority));
  return authority;
}

async function isInOrder(volume: KeyVolume, authority: IssuedCertificate): Promise<boolean> {
  const certificate = volume.read("tls.crt");
  const privateKey = volume.read("tls.key");
  if (certificate === undefined || privateKey === undefined) return false;
  if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey))) return false;
  return !(await isCertificateDue(certificate, authority));
}
